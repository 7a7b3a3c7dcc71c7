# Golden values for a difference between arms with a random intercept: lme4, lmerTest.
# Tables made here with a fixed seed, and Orthodont (Potthoff and Roy 1964) as published in nlme.
# Rscript tests/golden/r/random_intercept.R OUT.json

args <- commandArgs(trailingOnly = TRUE)
out <- if (length(args) > 0) args[1] else "tests/golden/random_intercept.json"
suppressMessages(library(lmerTest))
set.seed(20240401)

tight <- lme4::lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e6),
                           check.conv.singular = "ignore")

run <- function(d, f) {
  m <- lmerTest::lmer(f, data = d, REML = TRUE, control = tight)
  v <- as.data.frame(lme4::VarCorr(m))$vcov
  s <- summary(m)$coefficients
  ci <- qt(.975, s["arm", "df"]) * s["arm", "Std. Error"] * c(-1, 1) + s["arm", "Estimate"]
  list(between = v[1], within = v[2], log_likelihood = as.numeric(logLik(m)),
       estimates = as.list(s[, "Estimate"]), std_errors = as.list(s[, "Std. Error"]),
       df = as.list(s[, "df"]), p_value = s["arm", "Pr(>|t|)"], conf_low = ci[1],
       conf_high = ci[2], n = nobs(m))
}

# groups assigned whole, of unequal size
made <- function(sizes, between, by_group = TRUE) {
  group <- rep(seq_along(sizes), sizes)
  n <- length(group)
  arm <- if (by_group) group %% 2 else rep(0:1, length.out = n)
  x <- round(rnorm(n, 10, 3), 2)
  kind <- sample(c("a", "b", "c"), n, replace = TRUE)
  y <- 20 + 1.5 * arm + .6 * x + rnorm(length(sizes), 0, between)[group] + rnorm(n, 0, 4)
  data.frame(group = paste0("s", group), arm = arm, x = x, kind = kind, y = round(y, 2))
}

holes <- function(d) { d$y[c(3, 17)] <- NA; d$x[c(9, 17, 30)] <- NA; d }
ortho <- with(as.data.frame(nlme::Orthodont),
              data.frame(group = as.character(Subject), arm = as.numeric(Sex == "Male"),
                         x = age, y = distance))
tables <- list(
  assigned_groups = made(c(4, 9, 6, 12, 3, 8, 10, 5, 7, 11, 6, 2), 3),
  sites = made(c(14, 9, 6, 12, 8), 5, FALSE),
  no_variance_between = { set.seed(5); made(rep(6, 8), 0) },
  nearly_all_between = { d <- made(rep(5, 10), 400); d$y <- d$y + 1e4; d },
  missing = holes(made(c(7, 6, 9, 8, 5, 10, 6, 7), 2)),
  orthodont = ortho)
formulas <- list(alone = y ~ arm + (1 | group), adjusted = y ~ arm + x + (1 | group),
                 kinds = y ~ arm + x + kind + (1 | group))
cases <- lapply(tables, function(d) {
  fs <- if ("kind" %in% names(d)) formulas else formulas[1:2]
  list(data = as.list(d), fits = lapply(fs, function(f) run(d, f)))
})

packages <- c("lme4", "lmerTest", "nlme", "jsonlite")
versions <- lapply(setNames(packages, packages), function(p) as.character(packageVersion(p)))
result <- list(r_version = as.character(getRversion()), packages = versions,
               source = "made in the script; orthodont: Potthoff and Roy (1964), Biometrika 51:313-326, nlme",
               cases = cases)
writeLines(jsonlite::toJSON(result, digits = NA, auto_unbox = TRUE, na = "null"), out)
