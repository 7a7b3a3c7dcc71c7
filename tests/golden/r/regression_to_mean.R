# Golden values for regression to the mean, computed another way than the library does: the truncated
# normal by numerical integration of its density, the change of one group by predicting each person's
# second score and testing what is left (t.test; clubSandwich where people share a cluster).
# Rscript tests/golden/r/regression_to_mean.R OUT.json

args <- commandArgs(trailingOnly = TRUE)
out <- if (length(args) > 0) args[1] else "tests/golden/regression_to_mean.json"
suppressMessages({library(clubSandwich); library(MASS); library(jsonlite)})

# Mean of the first and, of these people, of the second score, from their joint normal density
cutoff_case <- function(mu, sigma, r, at, above) {
  ends <- if (above) c(at, mu + 12 * sigma) else c(mu - 12 * sigma, at)
  whole <- function(f) integrate(f, ends[1], ends[2], rel.tol = 1e-12, subdivisions = 2000)$value
  mass <- whole(function(x) dnorm(x, mu, sigma))
  first <- whole(function(x) x * dnorm(x, mu, sigma)) / mass
  second <- whole(function(x) (mu + r * (x - mu)) * dnorm(x, mu, sigma)) / mass
  list(mu = mu, sigma = sigma, r = r, at = at, above = above, first = first,
       change = second - first)
}

group_case <- function(pre, post, mu, r, cluster = NULL) {
  predicted <- mu + r * (pre - mu)
  left <- post - predicted
  foretold <- predicted - pre
  values <- list(pre = pre, post = post, mu = mu, r = r, cluster = cluster,
                 expected = mean(foretold), observed = mean(post - pre))
  if (is.null(cluster)) {
    seen <- t.test(left)
    e <- t.test(foretold)
    more <- list(beyond = unname(seen$estimate), se = unname(seen$stderr), df = unname(seen$parameter),
                 low = seen$conf.int[1], high = seen$conf.int[2], p = seen$p.value,
                 expected_low = e$conf.int[1], expected_high = e$conf.int[2])
  } else {
    ct <- function(y) {
      m <- lm(y ~ 1)
      found <- coef_test(m, vcov = "CR2", cluster = cluster, test = "Satterthwaite")
      half <- qt(0.975, found$df_Satt) * found$SE
      c(found$beta, found$SE, found$df_Satt, found$beta - half, found$beta + half, found$p_Satt)
    }
    y <- ct(left)
    e <- ct(foretold)
    more <- list(beyond = y[1], se = y[2], df = y[3], low = y[4], high = y[5], p = y[6],
                 expected_low = e[4], expected_high = e[5])
  }
  c(values, more)
}

a <- anorexia
high <- a[a$Prewt < 84, ]
cases <- list(
  cutoffs = list(
    cutoff_case(12, 8, 0.8, 20, TRUE), cutoff_case(50, 10, 0.5, 35, FALSE),
    cutoff_case(0, 1, 0.7, 0, TRUE), cutoff_case(4.7, 4.8, 0.9, 15, TRUE),
    cutoff_case(100, 15, 0.3, 130, TRUE)
  ),
  groups = list(
    group_case(a$Prewt, a$Postwt, 90, 0.7),
    group_case(high$Prewt, high$Postwt, 82.4, 0.33),
    group_case(a$Prewt, a$Postwt, 90, 0.7, cluster = rep(1:18, each = 4)),
    group_case(a$Prewt, a$Postwt, 82.4, 0.5, cluster = c(rep(1, 20), rep(2:14, length.out = 52)))
  ),
  versions = list(R = as.character(getRversion()), clubSandwich = as.character(packageVersion("clubSandwich")))
)
writeLines(toJSON(cases, digits = NA, auto_unbox = TRUE, pretty = TRUE, null = "null"), out)
