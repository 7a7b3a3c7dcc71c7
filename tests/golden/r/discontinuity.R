# Golden values for regression discontinuity. Bandwidths and robust intervals: rdrobust 4.0.0. The
# jump and the clustered error at a given bandwidth by lm and sandwich, the density jump by lm:
# nothing of rdrobust in them. Rscript tests/golden/r/discontinuity.R OUT.json

args <- commandArgs(trailingOnly = TRUE)
out <- if (length(args) > 0) args[1] else "tests/golden/discontinuity.json"
suppressMessages({library(rdrobust); library(sandwich); library(jsonlite)})

set.seed(21)
n <- 500
score <- round(rnorm(n, 1, 8), 2)
treated <- as.numeric(score >= 2)
# families lie on one side of the cut-off, in order of score
family <- integer(n)
for (s in 0:1) { own <- which(treated == s); family[own[order(score[own])]] <- s * 1000 + (seq_along(own) - 1) %/% 3 }
outcome <- round(20 + .4 * score + .01 * score^2 - 3 * treated + rnorm(1200)[factor(family)] + rnorm(n, 0, 3), 2)
coarse <- round(score)
d <- data.frame(outcome, score, coarse, family, treated)

pack <- function(r, args) list(args = args, h = r$bws[1, 1], b = r$bws[2, 1], estimate = r$Estimate[1],
  corrected = r$Estimate[2], se = r$Estimate[3], se_robust = r$Estimate[4], low = r$ci[3, 1], high = r$ci[3, 2],
  conventional_low = r$ci[1, 1], conventional_high = r$ci[1, 2], below = r$N_h[1], above = r$N_h[2])
run <- function(x = score, cutoff = 2, ..., args) suppressWarnings(
  pack(rdrobust(y = outcome, x = x, c = cutoff, ...), args))
cases <- list(
  default = run(args = list()),
  parabolas = run(p = 2, args = list(order = 2)),
  uniform = run(kernel = "uni", args = list(kernel = "uniform")),
  epanechnikov = run(kernel = "epa", args = list(kernel = "epanechnikov")),
  given = run(h = 6, args = list(bandwidth = 6)),
  both_given = run(h = 6, b = 10, args = list(bandwidth = 6, bias_bandwidth = 10)),
  clusters = run(cluster = family, args = list(cluster = "family")),
  clusters_given = run(cluster = family, h = 6, b = 10, args = list(cluster = "family", bandwidth = 6, bias_bandwidth = 10)),
  coarse = run(x = coarse, args = list(score = "coarse")),
  elsewhere = run(cutoff = -1.5, args = list(cutoff = -1.5)),
  level = run(level = 90, args = list(level = .9)))

lines <- function(h, order, kernel) {
  x <- score - 2; u <- abs(x) / h
  w <- switch(kernel, triangular = 1 - u, uniform = .5 + 0 * u, epanechnikov = 1 - u^2) * (u <= 1)
  both <- lm(outcome ~ treated * poly(x, order, raw = TRUE), weights = w, subset = w > 0)
  side <- function(s) { m <- lm(outcome ~ poly(x, order, raw = TRUE), weights = w, subset = w > 0 & treated == s)
    vcovCL(m, family[w > 0 & treated == s], type = "HC1")[1, 1] }
  list(h = h, order = order, kernel = kernel, estimate = unname(coef(both)["treated"]), se_cluster = sqrt(side(0) + side(1)))
}
by_lm <- list(lines(6, 1, "triangular"), lines(9, 2, "triangular"), lines(4, 1, "uniform"), lines(7.5, 1, "epanechnikov"))

# McCrary (2008): bins, rule-of-thumb bandwidth, one local line a side
density <- function(x, h = NULL) {
  bin <- 2 * sd(x) / sqrt(length(x))
  place <- floor(x / bin)
  at <- seq(min(place), max(place))
  mid <- (at + .5) * bin
  height <- as.vector(table(factor(place, at))) / (length(x) * bin)
  rule <- function(own) {
    m <- lm(height ~ poly(mid, 4, raw = TRUE), subset = own); b <- coef(m); z <- mid[own]
    bend <- 2 * b[3] + 6 * b[4] * z + 12 * b[5] * z^2
    3.348 * (sum(resid(m)^2) / m$df.residual * max(abs(z)) / sum(bend^2))^.2
  }
  if (is.null(h)) h <- mean(c(rule(mid > 0), rule(mid < 0)))
  edge <- function(own) { w <- pmax(0, 1 - abs(mid) / h); unname(coef(lm(height ~ mid, weights = w, subset = own & w > 0))[1]) }
  up <- edge(mid > 0); down <- edge(mid < 0)
  se <- sqrt(24 / 5 * (1 / up + 1 / down) / (length(x) * h))
  theta <- log(up) - log(down)
  list(bin = bin, h = h, up = up, down = down, estimate = theta, se = se, p = 2 * pnorm(-abs(theta / se)))
}
crowded <- c(score, round(runif(60, 2, 3), 2))
write_json(list(data = d, crowded = crowded, rdrobust = cases, lm = by_lm, density = density(score - 2),
  density_given = density(score - 2, 5), density_crowded = density(crowded - 2),
  packages = list(R = as.character(getRversion()), rdrobust = "4.0.0",
    sandwich = as.character(packageVersion("sandwich")))), out, digits = NA, auto_unbox = TRUE, dataframe = "columns")
