# Golden values for trials within sites (lme4, lmerTest), several arms (emmeans, mvtnorm,
# clubSandwich) and differences in means by design (estimatr). Tables made here, fixed seeds.
# Rscript tests/golden/r/sites_arms.R OUT.json

args <- commandArgs(trailingOnly = TRUE)
out <- if (length(args) > 0) args[1] else "tests/golden/sites_arms.json"
suppressMessages({library(lmerTest); library(clubSandwich); library(mvtnorm)})
tight <- lme4::lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e6),
                           check.conv.singular = "ignore")

# sites: levels of SD a, effects of SD b, their correlation r
made <- function(seed, sizes, a, b, r, shift = 0) {
  set.seed(seed)
  site <- rep(seq_along(sizes), sizes)
  n <- length(site)
  arm <- rbinom(n, 1, .5)
  x <- round(rnorm(n, 10, 3), 2)
  z <- rnorm(length(sizes))
  w <- b * (r * z + sqrt(1 - r^2) * rnorm(length(sizes)))
  y <- shift + arm + .5 * x + a * z[site] + w[site] * arm + rnorm(n, 0, 4)
  data.frame(site = paste0("s", site), arm = arm, x = x, y = round(y, 2))
}
sizes <- c(12, 20, 9, 15, 30, 8, 11, 14, 18, 22)
for (seed in 21:60) { # the first table in which neither levels nor effects vary
  none <- made(seed, rep(6, 12), 0, 0, 0)
  thetas <- sapply(c(y ~ arm + (1 + arm | site), y ~ arm + x + (1 + arm | site)), function(f)
    max(abs(lme4::getME(suppressMessages(suppressWarnings(lme4::lmer(f, data = none, control = tight))), "theta"))))
  if (max(thetas) < 1e-4) break
}
tables <- list(interior = made(3, sizes, 3, 4, .3), negative = made(11, rep(c(8, 14, 10), 4), 5, 4, -.5),
               rank_one = made(5, c(5, 7, 9, 6, 8, 10, 1, 2), 2, 1, 1),
               nothing = none, large = made(8, sizes, 300, 40, .2, 1e4),
               one_armed = { d <- made(9, c(sizes, 5, 6), 3, 3, 0); d$arm[d$site == "s11"] <- 1
                             d$arm[d$site == "s12"] <- 0; d })
# lme4 can stop at a lesser maximum where a variance starts at its bound: the best of four starts
best <- function(d, f) {
  starts <- list(c(1, 0, 1), c(.4, .4, .1), c(.4, -.4, .1), c(.05, .5, .05))
  fits <- lapply(starts, function(s) suppressWarnings(
    lmerTest::lmer(f, data = d, REML = TRUE, control = tight, start = list(theta = s))))
  fits[[which.max(sapply(fits, logLik))]]
}
run <- function(d, f) {
  m <- best(d, f)
  v <- as.data.frame(VarCorr(m))$vcov
  s <- summary(m)$coefficients
  ci <- qt(.975, s["arm", "df"]) * s["arm", "Std. Error"] * c(-1, 1) + s["arm", "Estimate"]
  same <- lmerTest::lmer(update(f, . ~ . - (1 + arm | site) + (1 | site)), data = d, control = tight)
  list(between = v[1], effect = v[2], covariance = v[3], within = v[4],
       log_likelihood = as.numeric(logLik(m)), log_likelihood_same = as.numeric(logLik(same)),
       estimates = as.list(s[, "Estimate"]), std_errors = as.list(s[, "Std. Error"]),
       df = as.list(s[, "df"]), p_value = s["arm", "Pr(>|t|)"], conf_low = ci[1], conf_high = ci[2])
}
sites <- lapply(tables, function(d) list(data = as.list(d),
  fits = list(alone = run(d, y ~ arm + (1 + arm | site)), adjusted = run(d, y ~ arm + x + (1 + arm | site)))))

# arms: four, of unequal size and spread
set.seed(31)
ns <- c(a = 14, b = 22, c = 9, d = 17)
arms <- data.frame(arm = rep(names(ns), ns), x = round(rnorm(sum(ns), 50, 10), 1))
arms$y <- round(20 + .2 * arms$x + c(a = 0, b = 2, c = 5, d = -1)[arms$arm] +
                rnorm(nrow(arms)) * c(a = 3, b = 5, c = 8, d = 2)[arms$arm], 2)
arms$cluster <- unlist(lapply(names(ns), function(a) paste0(a, rep_len(seq_len(ns[[a]] %/% 3), ns[[a]]))))
chance <- function(c, R, df) { set.seed(1); pmvt(rep(-c, ncol(R)), rep(c, ncol(R)), df = df, corr = R,
  algorithm = GenzBretz(maxpts = 2e6, abseps = 1e-7, releps = 0))[1] }
classical <- function(f) {
  m <- lm(f, data = arms)
  e <- emmeans::emmeans(m, "arm")
  V <- vcov(m)[c("armb", "armc", "armd"), c("armb", "armc", "armd")]
  R <- cov2cor(V)
  t <- coef(m)[rownames(V)] / sqrt(diag(V))
  crit <- uniroot(function(c) chance(c, R, m$df.residual) - .95, c(2, 3.5), tol = 1e-8)$root
  tk <- as.data.frame(summary(pairs(e, adjust = "tukey"), infer = TRUE))
  hm <- as.data.frame(summary(pairs(e, adjust = "holm"), infer = TRUE))
  list(tukey = as.list(tk), holm = as.list(hm), df = m$df.residual,
       dunnett = list(estimate = unname(coef(m)[rownames(V)]), se = unname(sqrt(diag(V))),
                      p = sapply(t, function(x) 1 - chance(abs(x), R, m$df.residual)), crit = crit))
}
robust <- function(f, cluster) {
  refs <- names(ns)[-1]
  do.call(rbind, lapply(refs, function(b) {
    arms$arm <- relevel(factor(arms$arm), ref = b)
    s <- coef_test(lm(f, data = arms), vcov = "CR2", cluster = cluster, test = "Satterthwaite")
    s <- as.data.frame(s)[paste0("arm", names(ns)[seq_len(match(b, names(ns)) - 1)]), ]
    data.frame(term = paste(sub("arm", "", rownames(s)), "-", b), estimate = s$beta, se = s$SE,
               df = s$df_Satt, p = s$p_Satt)
  }))
}
several <- list(data = as.list(arms), classical = list(alone = classical(y ~ arm), adjusted = classical(y ~ arm + x)),
  robust = list(alone = as.list(robust(y ~ arm, seq_len(nrow(arms)))), adjusted = as.list(robust(y ~ arm + x, seq_len(nrow(arms)))),
                clustered = as.list(robust(y ~ arm + x, arms$cluster))))

# designs
set.seed(41)
design <- function(blocks, per, treated, clusters = FALSE, size = 3) {
  d <- do.call(rbind, lapply(seq_len(blocks), function(b) {
    n <- per[(b - 1) %% length(per) + 1]
    unit <- seq_len(n)
    arm <- as.numeric(unit <= max(1, round(n * treated)))
    if (!clusters) return(data.frame(block = b, cluster = b * 100 + unit, arm = arm))
    reps <- sample(seq_len(size) + 1, n, replace = TRUE)
    data.frame(block = b, cluster = rep(b * 100 + unit, reps), arm = rep(arm, reps))
  }))
  d$y <- round(10 + d$arm * 2 + d$block + rnorm(200)[match(d$cluster, unique(d$cluster))] + rnorm(nrow(d), 0, 2), 2)
  d
}
designs <- list(blocked = design(7, c(6, 9, 5, 12), .45), pairs = design(11, 2, .5), mixed = design(9, c(2, 6, 2, 5), .5),
                clustered = design(1, 13, .4, TRUE), block_clustered = design(5, c(5, 6, 7), .45, TRUE),
                pair_clustered = design(8, 2, .5, TRUE, 5))
fit <- function(name, d) {
  a <- suppressWarnings(switch(name,
    clustered = estimatr::difference_in_means(y ~ arm, clusters = cluster, data = d),
    block_clustered = , pair_clustered = estimatr::difference_in_means(y ~ arm, blocks = block, clusters = cluster, data = d),
    estimatr::difference_in_means(y ~ arm, blocks = block, data = d)))
  list(data = as.list(d), design = a$design, estimate = unname(a$coefficients), std_error = unname(a$std.error),
       df = unname(a$df), p_value = unname(a$p.value), conf_low = unname(a$conf.low), conf_high = unname(a$conf.high))
}
differences <- lapply(setNames(names(designs), names(designs)), function(n) fit(n, designs[[n]]))

packages <- c("lme4", "lmerTest", "emmeans", "mvtnorm", "clubSandwich", "estimatr", "jsonlite")
versions <- lapply(setNames(packages, packages), function(p) as.character(packageVersion(p)))
result <- list(r_version = as.character(getRversion()), packages = versions, source = "made in the script",
               sites = sites, arms = several, designs = differences)
writeLines(jsonlite::toJSON(result, digits = NA, auto_unbox = TRUE, na = "null"), out)
