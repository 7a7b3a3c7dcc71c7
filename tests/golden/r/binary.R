# Risks, rates and survival: results beyond those of the shared folder; writes tests/golden/binary.json.
# Run from tests/golden: Rscript r/binary.R <folder of the shared r/data tables>
suppressMessages({library(clubSandwich); library(jsonlite)})
tables <- commandArgs(TRUE)[1]
read <- function(f) read.csv(file.path(tables, f), na.strings = c("NA", ""))
tight <- glm.control(epsilon = 1e-14, maxit = 200)
gcomp <- function(f, d, id) {
  X <- model.matrix(f); X1 <- X; X0 <- X; X1[, "t"] <- 1; X0[, "t"] <- 0
  b <- coef(f); e1 <- plogis(X1 %*% b); e0 <- plogis(X0 %*% b)
  p1 <- mean(e1); p0 <- mean(e0)
  g1 <- colMeans(c(e1 * (1 - e1)) * X1); g0 <- colMeans(c(e0 * (1 - e0)) * X0)
  g <- list(rd = g1 - g0, rr = g1 / p1 - g0 / p0, or = g1 / (p1 * (1 - p1)) - g0 / (p0 * (1 - p0)))
  est <- c(rd = p1 - p0, rr = p1 / p0, or = p1 / (1 - p1) / (p0 / (1 - p0)))
  V <- vcovCR(f, cluster = id, type = "CR2"); H <- vcovCR(f, cluster = seq_along(id), type = "CR2")
  one <- function(k, V) { l <- linear_contrast(f, V, contrasts = matrix(g[[k]], 1), test = "Satterthwaite"); list(se = l$SE, df = l$df) }
  list(p1 = p1, p0 = p0, est = as.list(est), model_se = lapply(g, function(x) sqrt(c(t(x) %*% vcov(f) %*% x))),
    cr2 = lapply(setNames(names(g), names(g)), one, V), hc2 = lapply(setNames(names(g), names(g)), one, H))
}
cases <- list()
d <- read("lalonde.csv"); d$t <- d$treat; d$y <- as.numeric(d$re78 > 0)
f <- glm(y ~ t + age + educ + race + married + nodegree + re74 + re75, binomial, d, control = tight)
cases$lalonde <- gcomp(f, d, seq_len(nrow(d)))
d <- read("ohio.csv"); d$t <- d$smoke
f <- glm(resp ~ t + age, binomial, d, control = tight)
cases$ohio_clustered <- gcomp(f, d, d$id)
d <- read("crtData.csv"); d$t <- d$Intervention; d$y <- as.numeric(d$Posttest >= 20); d <- d[complete.cases(d[, c("y","t","Prettest","School")]), ]
f <- glm(y ~ t + Prettest, binomial, d, control = tight)
cases$crt_clustered <- gcomp(f, d, d$School)
f <- glm(y ~ t, binomial, d, control = tight)
cases$crt_clustered_plain <- gcomp(f, d, d$School)
counts <- function(f, id) {
  one <- function(id) { t <- coef_test(f, vcov = vcovCR(f, cluster = id, type = "CR2"), test = "Satterthwaite")[2, ]; list(se = t$SE, df = t$df_Satt) }
  list(coef = coef(f)[[2]], model_se = sqrt(vcov(f)[2, 2]), theta = if (is.null(f$theta)) NA else f$theta, cr2 = one(id), hc2 = one(seq_along(id)))
}
d <- read("epil.csv"); d$t <- as.numeric(d$trt == "progabide")
cases$epil_poisson <- counts(glm(y ~ t + lage + V4 + offset(log(base)), poisson, d, control = tight), d$subject)
cases$epil_negbin <- counts(MASS::glm.nb(y ~ t + lage + V4 + offset(log(base)), d, control = tight), d$subject)
cases$epil_poisson_plain <- counts(glm(y ~ t + offset(log(base)), poisson, d, control = tight), d$subject)
library(survival)
cox <- function(f) { s <- summary(f)$coefficients; list(coef = s[1, 1], se = s[1, "se(coef)"], p = s[1, "Pr(>|z|)"]) }
rmean <- function(d, horizon) { s <- summary(survfit(Surv(time, e) ~ t, d), rmean = horizon)$table; list(horizon = horizon, mean = unname(s[, "rmean"]), se = unname(s[, "se(rmean)"]), events = unname(s[, "events"])) }
d <- read("lung.csv"); d$e <- d$status == 2; d$t <- as.numeric(d$sex == 2)
strict <- coxph.control(eps = 1e-11, toler.chol = 1e-12, iter.max = 100)
cases$lung_plain <- cox(coxph(Surv(time, e) ~ t, d, control = strict))
cases$lung_months <- cox(coxph(Surv(ceiling(time / 30), e) ~ t + age + factor(ph.ecog), d[d$ph.ecog < 3, ], control = strict))
cases$lung_rmean <- lapply(c(100, 365, 800), function(h) rmean(d, h))
write(toJSON(list(r = R.version.string, survival = as.character(packageVersion("survival")), MASS = as.character(packageVersion("MASS")), clubSandwich = as.character(packageVersion("clubSandwich")), cases = cases), digits = NA, auto_unbox = TRUE, pretty = TRUE), "binary.json")
