# Golden values for change over time (lme4, lmerTest) and one-way effect sizes (effectsize, aov,
# oneway.test). Tables made here, fixed seeds, and lme4's sleepstudy with a made-up split.
# Rscript tests/golden/r/growth.R OUT.json

args <- commandArgs(trailingOnly = TRUE)
out <- if (length(args) > 0) args[1] else "tests/golden/growth.json"
suppressMessages({library(lmerTest); library(effectsize)})
tight <- lme4::lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e6),
                           check.conv.singular = "ignore")

# people at uneven times, some rows lost: levels of SD a, slopes of SD b, their correlation r
made <- function(seed, people, a, b, r, e, origin = 0, unit = 1) {
  set.seed(seed)
  id <- rep(seq_len(people), each = 5)
  arm <- rep(rbinom(people, 1, .5), each = 5)
  age <- rep(round(rnorm(people, 40, 12)), each = 5)
  t <- round(rep(0:4, people) * 3 + runif(5 * people, -1, 1), 1)
  z <- rnorm(people)
  w <- b * (r * z + sqrt(1 - r^2) * rnorm(people))
  y <- 20 + .1 * age - .3 * t - .4 * arm * t + a * z[id] + w[id] * t + rnorm(5 * people, 0, e)
  d <- data.frame(id = paste0("p", id), arm = arm, t = round(origin + unit * t, 3), age = age, y = round(y, 2))
  d[sort(sample(nrow(d), round(.8 * nrow(d)))), ]
}
data(sleepstudy, package = "lme4")
sleep <- data.frame(id = as.character(sleepstudy$Subject), t = sleepstudy$Days, y = round(sleepstudy$Reaction, 4))
sleep$arm <- as.integer(factor(sleep$id)) %% 2
sleep$age <- (as.integer(factor(sleep$id)) * 7) %% 11 + 20
theta_of <- function(d) { lme4::getME(suppressWarnings(suppressMessages(lme4::lmer(
  y ~ arm * t + (t | id), data = d, control = tight))), "theta") }
for (seed in 1:200) { boundary <- made(seed, 30, 3, 0, 0, 2)  # no slopes: a correlation of 1 or -1
  th <- theta_of(boundary); if (abs(th[3]) < 1e-5 && th[1] > .5) break }
for (seed in 201:400) { nothing <- made(seed, 24, 0, 0, 0, 4)
  if (max(abs(theta_of(nothing))) < 1e-5) break }
tables <- list(sleep = sleep, interior = made(2, 60, 4, .5, -.4, 2), boundary = boundary, nothing = nothing,
               years = made(4, 40, 3, .4, .3, 1.5, 2019, 1 / 12))
best <- function(d, f, origin) { # the best of four starts; time from its mean, for the search
  starts <- list(c(1, 0, 1), c(.4, .4, .1), c(.4, -.4, .1), c(1, .05, .01))
  fits <- lapply(starts, function(s) suppressMessages(suppressWarnings(
    lmerTest::lmer(f, data = d, REML = TRUE, control = tight, start = list(theta = s)))))
  fits[[which.max(sapply(fits, logLik))]]
}
run <- function(d, f, origin) {
  d$t <- d$t - origin
  m <- best(d, f)
  s <- summary(m)$coefficients
  S <- as.matrix(VarCorr(m)$id)
  A <- rbind(c(1, -origin), c(0, 1)) # back to the level at time 0
  S <- A %*% S %*% t(A)
  e <- s["arm:t", ]
  ci <- qt(.975, e["df"]) * e["Std. Error"] * c(-1, 1) + e["Estimate"]
  list(intercept = S[1, 1], slope = S[2, 2], covariance = S[1, 2], within = sigma(m)^2,
       correlation = S[1, 2] / sqrt(S[1, 1] * S[2, 2]), log_likelihood = as.numeric(logLik(m)),
       estimate = e[["Estimate"]], std_error = e[["Std. Error"]], df = e[["df"]], p_value = e[["Pr(>|t|)"]],
       conf_low = ci[[1]], conf_high = ci[[2]], change_comparison = s["t", "Estimate"],
       time_error = s["t", "Std. Error"], time_df = s["t", "df"])
}
growth <- lapply(names(tables), function(n) { d <- tables[[n]]
  o <- if (n == "years") 2019.5 else 0
  list(data = as.list(d), alone = run(d, y ~ arm * t + (t | id), o),
       adjusted = run(d, y ~ age + arm * t + (t | id), o)) })
names(growth) <- names(tables)

# one-way layouts: unequal arms and spreads, two arms, no difference at all, a large level
layout <- function(seed, n, m, s, level = 0) { set.seed(seed)
  arm <- rep(letters[seq_along(n)], n)
  data.frame(arm = arm, y = round(level + m[match(arm, letters)] + rnorm(sum(n)) * s[match(arm, letters)], 2)) }
lays <- list(four = layout(1, c(14, 22, 9, 17), c(0, 2, 5, -1), c(3, 5, 8, 2)),
             two = layout(2, c(12, 19), c(0, 1.5), c(2, 3)),
             same = layout(3, c(10, 12, 11), c(0, 0, 0), c(3, 3, 3)),
             strong = layout(4, c(6, 7, 5), c(0, 6, 14), c(1, 1, 1.5), 1e5))
sizes <- function(d, level) {
  a <- aov(y ~ arm, data = d)
  t <- summary(a)[[1]]
  w <- oneway.test(y ~ arm, data = d)
  one <- function(f, alt) { r <- as.data.frame(f(a, partial = FALSE, ci = level, alternative = alt)); list(value = r[[2]], low = r$CI_low, high = r$CI_high) }
  list(f = t[1, "F value"], df1 = t[1, "Df"], df2 = t[2, "Df"], p = t[1, "Pr(>F)"],
       welch = list(f = w$statistic[[1]], df1 = w$parameter[[1]], df2 = w$parameter[[2]], p = w$p.value),
       eta = one(eta_squared, "two.sided"), omega = one(omega_squared, "two.sided"),
       epsilon = one(epsilon_squared, "two.sided"), eta_lower = one(eta_squared, "greater"),
       omega_lower = one(omega_squared, "greater"), epsilon_lower = one(epsilon_squared, "greater"))
}
oneway <- lapply(lays, function(d) list(data = as.list(d), at95 = sizes(d, .95), at90 = sizes(d, .90)))

v <- function(p) as.character(packageVersion(p))
jsonlite::write_json(list(r_version = paste(R.version$major, R.version$minor, sep = "."),
  packages = list(lme4 = v("lme4"), lmerTest = v("lmerTest"), effectsize = v("effectsize")),
  source = "tests/golden/r/growth.R", growth = growth, oneway = oneway), out, auto_unbox = TRUE, digits = 17)
