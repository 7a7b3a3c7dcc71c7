# Power of designs over time, by matrix algebra and base R: Rscript tests/golden/r/power_periods.R > tests/golden/power_periods.json
options(digits = 17)
power_t <- function(ncp, df, alpha = 0.05) {
  q <- qt(1 - alpha / 2, df)
  pt(-q, df, ncp) + pt(q, df, ncp, lower.tail = FALSE)
}
num <- function(x) format(x, digits = 15)
out <- list()
# a stepped wedge: generalised least squares of the cluster means on periods and treatment
wedge <- function(each, steps, m, icc, cac, iac) {
  clusters <- each * steps; periods <- steps + 1
  treat <- t(sapply(rep(1:steps, each = each), function(s) as.numeric((1:periods) > s)))
  V <- matrix(icc * cac + (1 - icc) * iac / m, periods, periods)
  diag(V) <- icc + (1 - icc) / m
  W <- solve(V); info <- matrix(0, periods + 1, periods + 1)
  for (i in 1:clusters) { X <- cbind(diag(periods), treat[i, ]); info <- info + t(X) %*% W %*% X }
  sqrt(solve(info)[periods + 1, periods + 1])
}
cases <- list(c(3, 4, 10, .05, 1, 0), c(1, 6, 25, .1, .8, 0), c(2, 3, 8, .02, .9, .5), c(5, 2, 40, .2, 1, .3))
for (i in seq_along(cases)) {
  v <- cases[[i]]; se <- do.call(wedge, as.list(v))
  out[[paste0("wedge_", i, "_std_error")]] <- se
  out[[paste0("wedge_", i, "_power")]] <- power_t(0.3 / se, v[1] * v[2] - 2)
}
# difference in differences of clusters: least squares of the changes of means, exact by contrast
did <- function(J, m, icc, cac, iac, P = .5) {
  V <- matrix(icc * cac + (1 - icc) * iac / m, 2, 2); diag(V) <- icc + (1 - icc) / m
  change <- drop(c(-1, 1) %*% V %*% c(-1, 1))
  sqrt(change / (J * P) + change / (J * (1 - P)))
}
cases <- list(c(20, 20, .05, .8, .5), c(20, 20, .05, .8, 0), c(8, 30, .1, .6, .4), c(40, 5, 0, 1, .7))
for (i in seq_along(cases)) {
  v <- cases[[i]]; se <- do.call(did, as.list(v))
  out[[paste0("did_", i, "_std_error")]] <- se
  out[[paste0("did_", i, "_power")]] <- power_t(0.3 / se, v[1] - 2)
}
# people: paired t, and a t test of changes
out$paired_power <- power.t.test(n = 60, delta = .3, sd = sqrt(2 * (1 - .6)), type = "paired", strict = TRUE)$power
out$paired_n <- power.t.test(power = .8, delta = .25, sd = sqrt(2 * (1 - .5)), type = "paired", strict = TRUE, tol = 1e-12)$n
out$did_people_power <- power.t.test(n = 75, delta = .3, sd = sqrt(2 * (1 - .7)), strict = TRUE)$power
out$did_people_n <- power.t.test(power = .9, delta = .4, sd = sqrt(2 * (1 - .55)), strict = TRUE, tol = 1e-12)$n
se <- sqrt(2 / (.3 * .7 * 240)); out$did_others_power <- power_t(.35 / se, 476)
# yes or no, with a design effect: as many people fewer
out$binary_power <- power.prop.test(n = 200 / 1.95, p1 = .3, p2 = .5)$power
out$binary_n <- power.prop.test(p1 = .3, p2 = .45, power = .8, tol = 1e-12)$n * 1.4
# people one by one and within blocks, and clusters: values of the noncentral t itself
out$ancova <- power_t(.25 / sqrt((1 - .36) / (.25 * 180)), 180 - 3)
out$cluster <- power_t(.4 / sqrt((.08 * (1 - .25) + .92 * (1 - .36) / 12) / (.4 * .6 * 18)), 18 - 3)
out$cluster_cv <- power_t(.4 / sqrt((.05 * (1 + .4^2) + .95 / 20) / (.25 * 24)), 22)
out$blocked <- power_t(.3 / sqrt((1 - .3) / (.25 * 40 * 5)), 5 * 38)
out$blocked_cluster <- power_t(.35 / sqrt((.3 + .7 / 2) / (.25 * 4 * 30)), 4 * 28)
cat("{\n", paste0('  "', names(out), '": ', sapply(out, num), collapse = ",\n"), "\n}\n", sep = "")
