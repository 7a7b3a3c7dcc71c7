# Boundaries of interim looks by the joint normal distribution of the statistics (mvtnorm, Miwa and
# Genz-Bretz), not by recursive integration; writes interim.json.
# Run from tests/golden: Rscript r/interim.R
suppressMessages({library(mvtnorm); library(jsonlite)})
spend <- list("obrien-fleming" = function(t, a) 2 - 2 * pnorm(qnorm(1 - a / 2) / sqrt(t)),
  pocock = function(t, a) a * log(1 + (exp(1) - 1) * t))
stay <- function(lower, upper, S) {
  k <- length(upper)
  if (k == 1) return(pnorm(upper) - pnorm(lower))
  as.numeric(pmvnorm(lower, upper, corr = S, algorithm = Miwa(steps = 2048)))
}
bounds <- function(t, alpha, kind, sides) {
  S <- outer(t, t, function(a, b) sqrt(pmin(a, b) / pmax(a, b))); b <- c()
  for (k in seq_along(t)) {
    target <- sides * spend[[kind]](min(t[k], 1), alpha / sides)
    gap <- function(x) {
      u <- c(b, x); low <- if (sides == 2) -u else rep(-Inf, k)
      1 - stay(low, u, S[1:k, 1:k, drop = FALSE]) - target
    }
    b <- c(b, if (k == 1) qnorm(1 - target / sides) else uniroot(gap, c(0.5, 7), tol = 1e-11)$root)
  }
  b
}
cases <- list(
  list(t = c(.5, 1), alpha = .05, kind = "obrien-fleming", sides = 2),
  list(t = (1:4) / 4, alpha = .05, kind = "obrien-fleming", sides = 1),
  list(t = (1:5) / 5, alpha = .05, kind = "obrien-fleming", sides = 2),
  list(t = (1:5) / 5, alpha = .05, kind = "pocock", sides = 2),
  list(t = c(.2, .35, .7, 1), alpha = .05, kind = "obrien-fleming", sides = 2),
  list(t = c(.2, .3, .35, .7, 1), alpha = .05, kind = "obrien-fleming", sides = 2),
  list(t = c(.15, .6, .9, 1), alpha = .1, kind = "pocock", sides = 1),
  list(t = c(.4, .75, 1.2), alpha = .025, kind = "pocock", sides = 1),
  list(t = c(.3, .32, .9, 1), alpha = .01, kind = "pocock", sides = 2),
  list(t = c(.3, .303, .6), alpha = .05, kind = "pocock", sides = 2))
out <- lapply(cases, function(x) c(x, list(z = bounds(x$t, x$alpha, x$kind, x$sides))))
write_json(list(r_version = as.character(getRversion()),
  packages = list(mvtnorm = as.character(packageVersion("mvtnorm"))), cases = out),
  "interim.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
