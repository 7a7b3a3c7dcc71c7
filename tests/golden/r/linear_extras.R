# Golden values for joint tests, subgroup effects, partially clustered trials and stepped wedges.
# clubSandwich, lme4, lmerTest and nlme on tables made here with a fixed seed.
# Rscript tests/golden/r/linear_extras.R OUT.json

args <- commandArgs(trailingOnly = TRUE)
out <- if (length(args) > 0) args[1] else "tests/golden/linear_extras.json"
suppressMessages({library(clubSandwich); library(lmerTest)})
set.seed(20260930)

coefs <- function(f, cl, keep, type = "CR2") {
  s <- as.data.frame(coef_test(f, vcov = vcovCR(f, cluster = cl, type = type),
                               test = "Satterthwaite"))
  s <- s[match(keep, rownames(s)), ]
  list(estimate = s$beta, std_error = s$SE, df = s$df_Satt, p_value = s$p_Satt)
}
walds <- function(f, cl, constraint, type = "CR2") {
  w <- as.data.frame(unclass(Wald_test(f, constraints = constraint,
                                       vcov = vcovCR(f, cluster = cl, type = type),
                                       test = c("HTZ", "Naive-F", "chi-sq"))))
  split(w[, c("Fstat", "df_num", "df_denom", "p_val")], w$test) |>
    lapply(function(r) { r <- as.list(r); if (!is.finite(r$df_denom)) r$df_denom <- NULL; r })
}

# --- joint tests: unequal clusters, some of one person, a covariate constant within clusters
sizes <- c(1, 1, 2, 3, 5, 8, 13, 4, 6, 9, 1, 7)
cl <- rep(seq_along(sizes), sizes); n <- length(cl)
J <- data.frame(cluster = paste0("c", cl), t = cl %% 2, x = round(rnorm(n, 5, 2), 2),
                z = round(rnorm(length(sizes)), 2)[cl],
                kind = sample(c("a", "b", "c"), n, replace = TRUE),
                w = round(runif(n, .2, 3), 2))
J$twice <- 3 - 2 * J$x
J$y <- round(10 + J$t + .5 * J$x + .4 * J$z + rnorm(length(sizes))[cl] + rnorm(n, 0, 2), 2)
types <- c("CR0", "CR1", "CR1S", "CR2", "CR3")
sets <- list(kind = c("kindb", "kindc"), x_z = c("x", "z"), t_z = c("t", "z"),
             four = c("x", "z", "kindb", "kindc"))
joint <- list()
for (weighted in c(FALSE, TRUE)) {
  f <- if (weighted) lm(y ~ t + x + z + kind, J, weights = w) else lm(y ~ t + x + z + kind, J)
  for (s in names(sets)) for (type in types)
    joint[[length(joint) + 1]] <- c(list(weighted = weighted, set = s, se = type),
                                    walds(f, J$cluster, constrain_zero(sets[[s]]), type))
  for (s in names(sets)) for (type in c("CR0", "CR2", "CR3"))
    joint[[length(joint) + 1]] <- c(list(weighted = weighted, set = s,
                                         se = sub("CR", "HC", type)),
                                    walds(f, seq_len(n), constrain_zero(sets[[s]]), type))
}
deficient <- walds(lm(y ~ x + twice + t + z, J), J$cluster, constrain_zero(c("t", "z")))
classical <- anova(lm(y ~ t, J), lm(y ~ t + kind, J))

# --- subgroups
m <- 14; cs <- rep(seq_len(m), sample(6:14, m, replace = TRUE)); n <- length(cs)
S <- data.frame(cluster = cs, t = cs %% 2, site = sample(c("n", "s", "w"), n, replace = TRUE),
                sex = sample(c("f", "m"), n, replace = TRUE), age = round(rnorm(n, 35, 8)),
                x = round(rnorm(n), 3))
S$y <- round(20 + S$t * (1 + (S$site == "w") + .05 * S$age) + S$x + rnorm(m)[cs] + rnorm(n, 0, 3), 3)
sub <- list()
for (clustered in c(TRUE, FALSE)) {
  by <- if (clustered) S$cluster else seq_len(n)
  a <- lm(y ~ 0 + site + site:t + x, S)
  b <- lm(y ~ 0 + sex + sex:t + x, S)
  b2 <- lm(y ~ t * sex + x, S)
  centred <- S$age - mean(S$age)
  c3 <- lm(y ~ t * centred + x, S)
  age_low <- centred + sd(S$age)
  c4 <- lm(y ~ t * age_low + x, S)
  sub[[length(sub) + 1]] <- list(
    clustered = clustered,
    site = coefs(a, by, c("siten:t", "sites:t", "sitew:t")),
    site_test = walds(a, by, constrain_equal(c("siten:t", "sites:t", "sitew:t"))),
    sex = coefs(b, by, c("sexf:t", "sexm:t")), sex_test = coefs(b2, by, "t:sexm"),
    age = coefs(c3, by, c("t", "t:centred")), age_low = coefs(c4, by, "t"))
}

# --- groups in one arm
made_partial <- function(gs, controls, spread) {
  g <- rep(seq_along(gs), gs); k <- length(g)
  d <- data.frame(t = c(rep(1, k), rep(0, controls)), group = c(paste0("g", g), rep(NA, controls)),
                  x = round(rnorm(k + controls), 3))
  d$y <- round(10 + 2 * d$t + d$x + c(rnorm(length(gs), 0, spread)[g] + rnorm(k, 0, 2),
                                      rnorm(controls, 0, 3)), 3)
  d
}
partial <- lapply(list(even = made_partial(rep(6, 8), 48, 1.5),
                       uneven = made_partial(c(2, 9, 5, 7, 3, 12), 30, 1)), function(d) {
  id <- ifelse(is.na(d$group), paste0("p", seq_len(nrow(d))), d$group)
  h <- nlme::lme(y ~ t, data = transform(d, id = id), random = ~ 0 + t | id,
                 weights = nlme::varIdent(form = ~ 1 | t), method = "REML")
  list(data = as.list(d), alone = coefs(lm(y ~ t, d), id, "t"),
       adjusted = coefs(lm(y ~ t + x, d), id, "t"),
       roberts = list(estimate = nlme::fixef(h)[["t"]], std_error = sqrt(vcov(h)["t", "t"])))
})

# --- stepped wedges
made_wedge <- function(clusters, periods, first, size, between, seed) {
  set.seed(seed)
  d <- expand.grid(cluster = seq_len(clusters), period = seq_len(periods))
  reps <- if (length(size) == 1) rep(size, nrow(d)) else sample(size, nrow(d), replace = TRUE)
  d <- d[rep(seq_len(nrow(d)), reps), ]
  d$t <- as.numeric(d$period >= first[d$cluster])
  d$x <- round(rnorm(nrow(d)), 3)
  d$y <- round(5 + .3 * d$period + .8 * d$t + .5 * d$x + rnorm(clusters, 0, between)[d$cluster] +
                 rnorm(nrow(d), 0, 2), 3)
  d
}
tight <- lme4::lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e6),
                           check.conv.singular = "ignore")
wedges <- list(
  even = made_wedge(8, 5, rep(2:5, each = 2), 6, 1.2, 11),
  uneven = made_wedge(6, 4, c(2, 2, 3, 3, 4, 99), 2:9, 1.5, 12),
  one_each = made_wedge(9, 4, rep(2:4, each = 3), 1, 1.5, 14),
  no_variance_between = made_wedge(9, 4, rep(2:4, each = 3), 5, 0, 21))
wedge <- lapply(wedges, function(d) {
  fits <- lapply(list(alone = y ~ t + factor(period) + (1 | cluster),
                      adjusted = y ~ t + factor(period) + x + (1 | cluster)), function(fm) {
    m <- lmerTest::lmer(fm, data = d, control = tight)
    s <- summary(m)$coefficients["t", ]
    v <- as.data.frame(lme4::VarCorr(m))$vcov
    robust <- tryCatch(coefs(lme4::lmer(fm, data = d, control = tight), d$cluster, "t"),
                       error = function(e) NULL)
    if (v[1] == 0) robust <- NULL
    list(model = list(estimate = s[["Estimate"]], std_error = s[["Std. Error"]], df = s[["df"]],
                      p_value = s[["Pr(>|t|)"]]), between = v[1], within = v[2], robust = robust)
  })
  list(data = as.list(d), fits = fits)
})

# --- clusters of 90 to 190 people in a logistic and a Poisson model; the table follows from i
i <- 0:949; big <- rep(1:7, c(90, 110, 130, 190, 120, 170, 140))
B <- data.frame(cluster = big, t = as.numeric(big %in% c(1, 4, 6)), x = sin(i))
B$yes <- as.numeric((i * 37) %% 101 < 101 * plogis(-.5 + .4 * B$t + .8 * B$x))
B$count <- (i * 53) %% 7 + (B$x > .5) * ((i * 29) %% 11)
large <- lapply(list(logistic = glm(yes ~ t + x, binomial, B, epsilon = 1e-14),
                     poisson = glm(count ~ t + x, poisson, B, epsilon = 1e-14)),
                function(f) coefs(f, B$cluster, c("(Intercept)", "t", "x")))

packages <- c("clubSandwich", "lme4", "lmerTest", "nlme", "jsonlite")
versions <- lapply(setNames(packages, packages), function(p) as.character(packageVersion(p)))
result <- list(r_version = as.character(getRversion()), packages = versions,
               source = "made in the script",
               joint = list(data = as.list(J), tests = joint, deficient = deficient,
                            classical = list(Fstat = classical$F[2], df_num = classical$Df[2],
                                             df_denom = classical$Res.Df[2],
                                             p_val = classical$`Pr(>F)`[2])),
               subgroups = list(data = as.list(S), results = sub),
               partial = partial, wedge = wedge, large = large)
writeLines(jsonlite::toJSON(result, digits = NA, auto_unbox = TRUE, na = "null"), out)
