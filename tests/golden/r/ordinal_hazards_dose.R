# Ordered outcomes, grouped survival, dose received and stratified risks: R's results, with the
# tables made here; writes tests/golden/ordinal_hazards_dose.json.
# Run from tests/golden: Rscript r/ordinal_hazards_dose.R <folder of the shared r/data tables>
suppressMessages({library(survival); library(ordinal); library(MASS); library(sandwich); library(rms); library(pROC)
  library(AER); library(estimatr); library(metafor); library(numDeriv); library(jsonlite)})
tables <- commandArgs(TRUE)[1]
read <- function(f) read.csv(file.path(tables, f), na.strings = c("NA", ""))
out <- list()

# --- the tables made here
set.seed(20240401)
g <- rep(1:24, times = rep(c(3, 5, 8), 8)); n <- length(g)
arm <- as.numeric(g %% 2 == 0); u <- rnorm(24, 0, .7)[g]; x <- round(rnorm(n), 2)
site <- (g - 1) %/% 6 + 1
y <- cut(.8 * arm + .6 * x + u + rlogis(n), c(-Inf, -1, .2, 1.2, 2.4, Inf), labels = FALSE)
kind <- sample(c("a", "b", "c"), n, TRUE)
scale <- exp(.5 * arm + .4 * x + u)
event_at <- round(10 * scale * rexp(n)) + 1; end <- round(runif(n, 2, 60))
time <- pmin(event_at, end); seen <- as.numeric(event_at <= end)
inside <- rbinom(n, 1, .5)
dose <- ifelse(arm == 1, pmin(10, rpois(n, 5 + x)), rbinom(n, 2, .2)) ; dose <- pmax(dose, 0)
score <- round(20 - .5 * dose + 2 * x + 3 * u + rnorm(n, 0, 3), 2)
yes <- rbinom(n, 1, plogis(-.3 + .7 * inside + .5 * x + .3 * site))
own <- data.frame(g, site, arm, inside, x, kind, y, time, seen, dose, score, yes)
out$data <- as.list(own)

# --- proportional odds
proportional <- function(formula, d, id) {
  d$yy <- factor(d[[all.vars(formula)[1]]], ordered = TRUE)
  f <- clm(update(formula, yy ~ .), data = d, control = clm.control(gradTol = 1e-12, maxIter = 200))
  p <- polr(update(formula, yy ~ .), data = d, Hess = TRUE)
  l <- lrm(update(formula, yy ~ .), data = d, x = TRUE, y = TRUE, eps = 1e-12, maxit = 100)
  k <- length(f$alpha) + 1; r <- length(f$alpha) + 1
  list(coef = unname(f$beta[1]), thresholds = unname(f$alpha), se = sqrt(vcov(f)[k, k]), logLik = c(logLik(f)),
    polr = unname(c(coef(p)[1], sqrt(vcov(p)[1, 1]))), sandwich = sqrt(vcovCL(f, cluster = id)[k, k]),
    sandwich_plain = sqrt(vcovCL(f, cluster = id, cadj = FALSE)[k, k]), rms = sqrt(vcov(robcov(l, id))[r, r]),
    proportional = score_test(f, d, formula, id))
}
# the score test of one effect of the first column at every threshold, by numerical derivatives
score_test <- function(f, d, formula, id) {
  X <- model.matrix(formula, d)[, -1, drop = FALSE]; q <- length(f$alpha); p <- ncol(X)
  code <- as.numeric(factor(d[[all.vars(formula)[1]]]))
  theta <- c(f$alpha, f$beta, rep(0, q - 1))
  logp <- function(th, k) {
    cum <- function(j) { if (j == 0) return(rep(0, nrow(X))); if (j > q) return(rep(1, nrow(X)))
      extra <- if (j > 1) th[q + p + j - 1] else 0
      plogis(th[j] - X %*% th[q + 1:p] - extra * X[, 1]) }
    log(c(cum(k)) - c(cum(k - 1)))
  }
  J <- lapply(1:(q + 1), function(k) jacobian(function(th) logp(th, k), theta))
  P <- sapply(1:(q + 1), function(k) exp(logp(theta, k)))
  I <- Reduce(`+`, lapply(1:(q + 1), function(k) t(J[[k]]) %*% (P[, k] * J[[k]])))
  S <- t(sapply(seq_along(code), function(i) J[[code[i]]][i, ]))
  a <- 1:(q + p); b <- (q + p + 1):length(theta)
  proj <- I[b, a] %*% solve(I[a, a])
  u <- colSums(S)[b]
  V <- I[b, b] - proj %*% I[a, b]
  stat <- c(t(u) %*% solve(V, u))
  R <- rowsum(S, id); D <- R[, b, drop = FALSE] - R[, a] %*% t(proj)
  robust <- if (nrow(D) > length(b)) c(t(colSums(D)) %*% solve(crossprod(D), colSums(D))) else NA
  list(stat = stat, df = length(b), p = pchisq(stat, length(b), lower.tail = FALSE), robust = robust,
    robust_p = pchisq(robust, length(b), lower.tail = FALSE))
}
out$ordinal <- list(plain = proportional(y ~ arm, own, own$g), adjusted = proportional(y ~ arm + x + kind, own, own$g))
j <- read("jobs.csv")
out$ordinal$jobs <- proportional(job_disc ~ treat + econ_hard + age, j, j$occp)

# --- probability of superiority
superior <- function(y, t) {
  r <- roc(t, y, levels = c(0, 1), direction = "<", quiet = TRUE)
  list(estimate = c(auc(r)), se = sqrt(var(r, method = "delong")), ci = as.numeric(ci.auc(r, method = "delong"))[c(1, 3)],
    W = unname(suppressWarnings(wilcox.test(y[t == 1], y[t == 0]))$statistic))
}
out$superior <- list(own = superior(own$y, own$arm), jobs = superior(j$job_disc, j$treat), continuous = superior(own$score, own$arm))
# Obuchowski (1997), clusters within arms
clustered <- function(y, t, id) {
  a <- y[t == 1]; b <- y[t == 0]; K <- outer(a, b, function(p, q) (p > q) + .5 * (p == q)); th <- mean(K)
  A <- rowsum(rowMeans(K) - th, id[t == 1]); B <- rowsum(colMeans(K) - th, id[t == 0]); m <- length(A); k <- length(B)
  va <- m / (m - 1) * sum(A^2) / length(a)^2; vb <- k / (k - 1) * sum(B^2) / length(b)^2
  list(estimate = th, se = sqrt(va + vb), df = (va + vb)^2 / (va^2 / (m - 1) + vb^2 / (k - 1)))
}
out$superior$clustered <- clustered(own$y, own$arm, own$g)

# --- survival
strict <- coxph.control(eps = 1e-11, toler.chol = 1e-12, iter.max = 100)
cox <- function(f) { s <- summary(f)$coefficients
  list(coef = unname(s[1, 1]), naive = unname(s[1, "se(coef)"]), se = unname(sqrt(f$var[1, 1])), p = unname(s[1, ncol(s)])) }
zph <- function(f) { z <- cox.zph(f, transform = "km", terms = FALSE, singledf = TRUE)$table; list(chisq = unname(z[1, 1]), p = unname(z[1, 3])) }
lung <- read("lung.csv"); lung$e <- lung$status == 2; lung$t <- as.numeric(lung$sex == 2); lung <- lung[!is.na(lung$inst), ]
vet <- read("veteran.csv"); vet$t <- vet$trt - 1
fits <- list(
  lung_inst = quote(coxph(Surv(time, e) ~ t + age, lung, cluster = inst, control = strict)),
  lung_months = quote(coxph(Surv(ceiling(time / 30), e) ~ t + age, lung, cluster = inst, control = strict)),
  lung_strata = quote(coxph(Surv(time, e) ~ t + age + strata(inst), lung, control = strict)),
  veteran_strata = quote(coxph(Surv(time, status) ~ t + karno + strata(celltype), vet, control = strict)),
  veteran_plain = quote(coxph(Surv(time, status) ~ t, vet, control = strict)),
  own_cluster = quote(coxph(Surv(time, seen) ~ arm + x, own, cluster = g, control = strict)),
  own_both = quote(coxph(Surv(time, seen) ~ arm + x + strata(site), own, cluster = g, control = strict)))
out$cox <- lapply(fits, function(q) { f <- eval(q); c(cox(f), list(zph = zph(f))) })
ranks <- function(f) list(chisq = f$chisq, p = pchisq(f$chisq, 1, lower.tail = FALSE),
  obs = rowSums(as.matrix(f$obs)), exp = rowSums(as.matrix(f$exp)), var = f$var[2, 2])
out$log_rank <- list(lung = ranks(survdiff(Surv(time, e) ~ t, lung)), months = ranks(survdiff(Surv(ceiling(time / 30), e) ~ t, lung)),
  veteran_strata = ranks(survdiff(Surv(time, status) ~ t + strata(celltype), vet)), own_strata = ranks(survdiff(Surv(time, seen) ~ arm + strata(site), own)))
robust_score <- function(f) list(chisq = f$rscore, p = pchisq(f$rscore, 1, lower.tail = FALSE))
out$log_rank_clustered <- list(own = robust_score(coxph(Surv(time, seen) ~ arm, own, cluster = g, ties = "breslow")),
  own_strata = robust_score(coxph(Surv(time, seen) ~ arm + strata(site), own, cluster = g, ties = "breslow")))
curve <- function(type, level) { s <- survfit(Surv(time, seen) ~ arm, own, conf.type = type, conf.int = level)
  m <- summary(s)$table
  list(arm = rep(0:1, s$strata), time = s$time, n = s$n.risk, d = s$n.event, surv = s$surv, se = s$surv * s$std.err, low = s$lower, high = s$upper,
    median = unname(m[, "median"]), median_low = unname(m[, ncol(m) - 1]), median_high = unname(m[, ncol(m)])) }
out$curves <- list(log_log = curve("log-log", .95), log = curve("log", .95), log_log_90 = curve("log-log", .9))

# --- dose received
doses <- function(covariates, id) {
  f <- reformulate(c("dose", covariates), "score"); z <- reformulate(c("arm", covariates))
  full <- as.formula(paste(deparse(f), "|", deparse(z[[2]])))
  a <- ivreg(full, data = own)
  one <- function(type, cl) { r <- if (cl) iv_robust(full, own, clusters = g, se_type = type) else iv_robust(full, own, se_type = type)
    i <- which(names(r$coefficients) == "dose")
    list(estimate = unname(r$coefficients[i]), std_error = unname(r$std.error[i]), df = unname(r$df[i]), p_value = unname(r$p.value[i]),
      conf_low = unname(r$conf.low[i]), conf_high = unname(r$conf.high[i])) }
  list(ivreg = unname(coef(a)["dose"]), f_classical = summary(a, diagnostics = TRUE)$diagnostics[1, 3],
    HC2 = one("HC2", FALSE), CR2 = one("CR2", TRUE))
}
out$dose <- list(alone = doses(character()), adjusted = doses(c("x", "kind")))
# the Anderson-Rubin set by inverting CR2 tests of the arm in regressions of score - e * dose
rubin <- function(covariates) {
  p <- function(e) { d <- own; d$left <- d$score - e * d$dose
    lm_robust(reformulate(c("arm", covariates), "left"), d, clusters = g, se_type = "CR2")$p.value["arm"] - .05 }
  b <- out$dose[[if (length(covariates)) "adjusted" else "alone"]]$ivreg
  c(uniroot(p, c(b - 3, b), tol = 1e-12)$root, uniroot(p, c(b, b + 3), tol = 1e-12)$root)
}
out$dose$alone$rubin <- rubin(character()); out$dose$adjusted$rubin <- rubin(c("x", "kind"))

# --- stratified risks
tight <- glm.control(epsilon = 1e-14, maxit = 200)
gcomp <- function(f, id) {
  X <- model.matrix(f); X1 <- X; X0 <- X; X1[, "inside"] <- 1; X0[, "inside"] <- 0
  b <- coef(f); e1 <- plogis(X1 %*% b); e0 <- plogis(X0 %*% b); p1 <- mean(e1); p0 <- mean(e0)
  g1 <- colMeans(c(e1 * (1 - e1)) * X1); g0 <- colMeans(c(e0 * (1 - e0)) * X0)
  gr <- list(rd = g1 - g0, rr = g1 / p1 - g0 / p0, or = g1 / (p1 * (1 - p1)) - g0 / (p0 * (1 - p0)))
  V <- clubSandwich::vcovCR(f, cluster = id, type = "CR2")
  lapply(setNames(names(gr), names(gr)), function(k) { c2 <- clubSandwich::linear_contrast(f, V, contrasts = matrix(gr[[k]], 1), test = "Satterthwaite")
    list(est = switch(k, rd = p1 - p0, rr = log(p1 / p0), or = log(p1 / (1 - p1) / (p0 / (1 - p0)))),
      se = sqrt(c(t(gr[[k]]) %*% vcov(f) %*% gr[[k]])), cr2 = c2$SE, df = c2$df) })
}
out$strata <- list(plain = gcomp(glm(yes ~ inside + factor(site), binomial, own, control = tight), own$g),
  adjusted = gcomp(glm(yes ~ inside + x + factor(site), binomial, own, control = tight), own$g))
mantel <- function(s, t, y) {
  T <- table(factor(s), factor(t, 0:1), factor(y, 0:1))
  one <- function(m) { r <- rma.mh(ai = T[, 2, 2], bi = T[, 2, 1], ci = T[, 1, 2], di = T[, 1, 1], measure = m, correct = FALSE, digits = 12); list(est = c(r$beta), se = r$se, p = r$pval) }
  list(rd = one("RD"), rr = one("RR"), or = one("OR"))
}
few <- own[own$g <= 14, ]
out$mantel <- list(site = mantel(few$site, few$inside, few$yes), group = mantel(own$g, own$inside, own$yes))
out$versions <- c(R = R.version.string, sapply(c("survival", "ordinal", "MASS", "sandwich", "rms", "pROC", "AER", "estimatr", "clubSandwich", "metafor", "numDeriv"), function(p) as.character(packageVersion(p))))
out$versions <- as.list(out$versions)
write(toJSON(out, digits = NA, auto_unbox = TRUE, na = "null"), "ordinal_hazards_dose.json")
