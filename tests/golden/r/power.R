# Power by base R: noncentral t, power.t.test, power.prop.test; writes power.json.
# Run from tests/golden: Rscript r/power.R
suppressMessages(library(jsonlite))
t_power <- function(ncp, df, alpha, sides) {
  q <- qt(alpha / sides, df, lower.tail = FALSE)
  up <- pt(q, df, ncp, lower.tail = FALSE)
  if (sides == 2) up + pt(-q, df, ncp) else up
}
grid <- expand.grid(ncp = c(.5, 2.8, 4.5), df = c(1, 2, 5, 18, 126, 5000), alpha = c(.05, .01),
  sides = 1:2)
grid$power <- mapply(t_power, grid$ncp, grid$df, grid$alpha, grid$sides)
root <- function(f, low, high) uniroot(f, c(low, high), tol = 1e-13)$root
se2 <- function(J, n, rho, r1, r2, P) rho * (1 - r2) / (P * (1 - P) * J) +
  (1 - rho) * (1 - r1) / (P * (1 - P) * J * n)
clusters <- root(function(J) t_power(.3 / sqrt(se2(J, 20, .1, .5, .5, .4)), J - 3, .05, 2) - .8, 6, 200)
size <- root(function(n) t_power(.5 / sqrt(se2(24, n, .05, 0, .3, .5)), 23 - 1, .05, 2) - .8, 1, 200)
effect <- root(function(d) t_power(d / sqrt(se2(12, 30, .08, .2, .4, .5)), 9, .05, 2) - .9, .1, 3)
write_json(list(r_version = as.character(getRversion()), t_power = grid,
  cluster = list(clusters = clusters, cluster_size = size, effect = effect),
  power_t_test = list(power = power.t.test(n = 64, delta = .5, strict = TRUE)$power,
    n = power.t.test(delta = .5, power = .8, tol = 1e-12, strict = TRUE)$n,
    delta = power.t.test(n = 30, power = .9, sig.level = .01, tol = 1e-12, strict = TRUE)$delta),
  power_prop_test = list(n = power.prop.test(p1 = .3, p2 = .2, power = .8, tol = 1e-12)$n,
    power = power.prop.test(n = 150, p1 = .3, p2 = .45)$power,
    p2 = power.prop.test(n = 200, p1 = .4, power = .8, tol = 1e-12)$p2)),
  "power.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
