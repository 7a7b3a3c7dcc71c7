# Golden values for pooling over imputations (mice, mitml), from the reference tables
# boys_imputed_m20.csv and nhanes2_imputed_m5.csv.
# Rscript tests/golden/r/pooling.R DATA_FOLDER OUT.json

args <- commandArgs(trailingOnly = TRUE)
out <- if (length(args) > 1) args[2] else "tests/golden/pooling.json"
read <- function(name) { d <- read.csv(file.path(args[1], name)); split(d, d$.imp) }
boys <- read("boys_imputed_m20.csv")
nhanes <- read("nhanes2_imputed_m5.csv")
tested <- function(f, g, ...) as.list(as.data.frame(suppressWarnings(mitml::testModels(f, g, ...))$test))

# log likelihood of a linear or logistic model at given coefficients (and variance)
loglik <- function(fit, b, s2) {
  x <- model.matrix(fit); y <- fit$model[[1]]; eta <- drop(x %*% b)
  if (inherits(fit, "glm")) { y <- as.numeric(y); return(sum(y * eta - log1p(exp(eta)))) }
  sum(dnorm(y, eta, sqrt(s2), log = TRUE))
}
ml <- function(fit) if (inherits(fit, "glm")) 1 else mean(residuals(fit)^2)
ratios <- function(f, g) {
  at <- function(models, own) { b <- rowMeans(rbind(sapply(models, coef))); s2 <- mean(sapply(models, ml))
    sapply(models, function(m) if (own) loglik(m, coef(m), ml(m)) else loglik(m, b, s2)) }
  list(own = unname(2 * (at(f, TRUE) - at(g, TRUE))), at_average = unname(2 * (at(f, FALSE) - at(g, FALSE))))
}
# mitml has no D3 for glm, and mice's frees the intercept again at the averaged estimates
meng_rubin <- function(lr, k) { m <- length(lr$own); r <- (m + 1) / (k * (m - 1)) * (mean(lr$own) - mean(lr$at_average)); t <- k * (m - 1)
  list(F.value = mean(lr$at_average) / (k * (1 + r)), df1 = k, df2 = 4 + (t - 4) * (1 + (1 - 2 / t) / r)^2, RIV = r) }
models <- function(d, full, null, fitter, dfcom) {
  f <- lapply(d, function(x) fitter(full, x)); g <- lapply(d, function(x) fitter(null, x))
  pooled <- mice::pool(mice::as.mira(f), dfcom = dfcom); s <- summary(pooled, conf.int = TRUE)
  extra <- which(!names(coef(f[[1]])) %in% names(coef(g[[1]])))
  list(dfcom = dfcom, term = as.character(s$term), coef = unname(t(sapply(f, coef))),
       vcov = lapply(unname(f), function(m) unname(vcov(m))), tested = extra - 1,
       pool = list(estimate = s$estimate, std_error = s$std.error, statistic = s$statistic, df = s$df,
                   p_value = s$p.value, conf_low = s[["2.5 %"]], conf_high = s[["97.5 %"]],
                   within = pooled$pooled$ubar, between = pooled$pooled$b, total = pooled$pooled$t,
                   riv = pooled$pooled$riv, share_missing = pooled$pooled$lambda, fmi = pooled$pooled$fmi),
       large = as.list(as.data.frame(mitml::testEstimates(f)$estimates)),
       lr = ratios(f, g), D1 = tested(f, g, method = "D1"), D1_dfcom = tested(f, g, method = "D1", df.com = dfcom),
       D2_wald = tested(f, g, method = "D2", use = "wald"), D2_lr = tested(f, g, method = "D2", use = "likelihood"),
       D3 = if (inherits(f[[1]], "glm")) meng_rubin(ratios(f, g), length(extra)) else tested(f, g, method = "D3"))
}
linear <- function(f, x) eval(bquote(lm(.(f), data = x)))
logistic <- function(f, x) eval(bquote(glm(.(f), data = x, family = binomial, control = glm.control(epsilon = 1e-14))))
n <- nrow(boys[[1]])
fits <- list(
  boys_height = models(boys, hgt ~ age + wgt + tv, hgt ~ age, linear, n - 4),
  boys_region = models(boys, hgt ~ age + wgt + reg, hgt ~ age + wgt, linear, n - 7),
  boys_city = models(lapply(boys, function(x) transform(x, city = as.numeric(reg == "city"))),
                     city ~ age + wgt + tv, city ~ 1, logistic, n - 4),
  nhanes_age = models(nhanes, chl ~ age + bmi + hyp, chl ~ bmi, linear, 25 - 5))

# Other scales: pool.scalar on the scale, then back; Wilson's limits by a root finder
scalar <- function(q, u, dfcom, back) {
  p <- mice::pool.scalar(q, u, n = dfcom + 1, k = 1); h <- qt(.975, p$df) * sqrt(p$t)
  list(estimate = back(p$qbar), std_error = sqrt(p$t), df = p$df, fmi = p$fmi,
       conf_low = back(p$qbar - h), conf_high = back(p$qbar + h)) }
wilson <- function(p, n, dfcom) {
  s <- mice::pool.scalar(p, p * (1 - p) / n, n = dfcom + 1, k = 1); t <- qt(.975, s$df)
  gap <- function(x) (s$qbar - x)^2 - t^2 * (1 + s$r) * x * (1 - x) / n
  root <- function(a, b) uniroot(gap, c(a, b), tol = 1e-15)$root
  list(estimate = s$qbar, std_error = sqrt(s$t), df = s$df, fmi = s$fmi, conf_low = root(0, s$qbar), conf_high = root(s$qbar, 1)) }
hyp <- unname(sapply(nhanes, function(x) mean(x$hyp == "yes")))
late <- unname(sapply(boys, function(x) mean(x$tv > 20)))
r <- unname(sapply(boys, function(x) cor(x$hgt, x$tv)))
or <- t(unname(sapply(boys, function(x) { f <- logistic(I(reg == "city") ~ age, x); c(coef(f)[2], sqrt(vcov(f)[2, 2])) })))
scales <- list(
  hyp = list(p = hyp, n = 25, dfcom = 24, wilson = wilson(hyp, 25, 24), logit = scalar(qlogis(hyp), 1 / (25 * hyp * (1 - hyp)), 24, plogis)),
  late = list(p = late, n = n, dfcom = n - 1, wilson = wilson(late, n, n - 1), logit = scalar(qlogis(late), 1 / (n * late * (1 - late)), n - 1, plogis)),
  correlation = c(list(r = r, n = n, dfcom = n - 2), scalar(atanh(r), rep(1 / (n - 3), 20), n - 2, tanh)),
  ratio = c(list(ratio = exp(or[, 1]), se = or[, 2], dfcom = n - 2), scalar(or[, 1], or[, 2]^2, n - 2, exp)))

made <- list(r_version = paste(R.version$major, R.version$minor, sep = "."), source = "tests/golden/r/pooling.R",
             packages = list(mice = as.character(packageVersion("mice")), mitml = as.character(packageVersion("mitml"))),
             fits = fits, scales = scales)
writeLines(jsonlite::toJSON(made, digits = NA, auto_unbox = TRUE, matrix = "rowmajor"), out)
