# Every resample fitted by itself: lm, sandwich (HC2) or clubSandwich (CR2), and g with the exact J
# (clustered: the total-SD form with the analysis-of-variance ICC); writes bootstrap.json.
# Run from tests/golden: Rscript r/bootstrap.R
suppressMessages({library(sandwich); library(clubSandwich); library(jsonlite)})
J <- function(m) exp(lgamma(m / 2) - lgamma((m - 1) / 2) - log(m / 2) / 2)
pooled <- function(d) sqrt(sum(tapply(d$y, d$t, function(y) sum((y - mean(y))^2))) / (nrow(d) - 2))
factor_of <- function(d, cluster) {
  N <- nrow(d)
  if (is.null(cluster)) return(J(N - 2) / pooled(d))
  cell <- interaction(cluster, d$t, drop = TRUE); n <- tapply(d$y, cell, length)
  k <- length(n); m <- tapply(d$y, cell, mean); arm <- tapply(d$t, cell, mean)
  within <- sum((d$y - m[cell])^2) / (N - k); between <- 0; typical <- N
  for (a in 0:1) {
    o <- arm == a
    between <- between + sum(n[o] * (m[o] - sum(n[o] * m[o]) / sum(n[o]))^2) / (k - 2)
    typical <- typical - sum(n[o]^2) / sum(n[o])
  }
  typical <- typical / (k - 2)
  icc <- min(max((between - within) / (between + (typical - 1) * within), 0), 1); s <- N / k
  room <- (N - 2) - 2 * (s - 1) * icc
  h <- room^2 / ((N - 2) * (1 - icc)^2 + s * (N - 2 * s) * icc^2 + 2 * (N - 2 * s) * icc * (1 - icc))
  J(h) * sqrt(room / (N - 2)) / pooled(d)
}
one <- function(d, formula, cluster = NULL, se = TRUE) {
  m <- lm(formula, data = d); b <- coef(m)[["t"]]
  v <- if (!se) NA else if (is.null(cluster)) vcovHC(m, "HC2")["t", "t"] else
    as.matrix(vcovCR(m, cluster = cluster, type = "CR2"))["t", "t"]
  c(b = b, se = sqrt(v), g = b * factor_of(d, cluster))
}
set.seed(8)
d <- data.frame(g = rep(1:12, c(2, 3, 4, 2, 5, 3, 4, 3, 2, 4, 3, 5)))
d$t <- d$g %% 2; d$x <- round(rnorm(40), 3); d$sex <- rep(c("f", "m", "m", "f", "f"), 8)
d$s <- ifelse(d$g <= 6, "a", "b")
d$y <- round(3 + d$t + d$x + rnorm(12)[d$g] + rnorm(40), 3)
within <- function(cell) { i <- seq_along(cell); for (k in unique(cell)) { o <- which(cell == k)
  i[o] <- o[sample(length(o), replace = TRUE)] }; i }
cases <- list()
add <- function(id, options, taken, values) cases[[length(cases) + 1]] <<- list(id = id,
  r_version = as.character(getRversion()), packages = lapply(setNames(nm = c("sandwich",
  "clubSandwich")), function(p) as.character(packageVersion(p))), options = options, data = d,
  taken = taken, values = as.list(as.data.frame(values)))
draws <- 25
i <- t(replicate(draws, within(d$t)))
add("rows", setNames(list(), character(0)), i, t(apply(i, 1, function(k) one(d[k, ], y ~ t + x + sex))))
i <- t(replicate(draws, within(paste(d$t, d$s))))
add("strata", list(strata = "s"), i, t(apply(i, 1, function(k) one(d[k, ], y ~ t + x + sex + s))))
i <- t(replicate(draws, within(1:12 %% 2)))
add("clusters", list(cluster = "g"), i, t(apply(i, 1, function(k) {
  rows <- lapply(k, function(c) which(d$g == c)); copy <- rep(seq_along(k), lengths(rows))
  one(d[unlist(rows), ], y ~ t + x + sex, copy) })))
m <- lm(y ~ t + x + sex, d); r <- resid(m) / sqrt(1 - hatvalues(m)); r <- r - ave(r, d$t)
i <- t(replicate(draws, within(d$t)))
add("residual", setNames(list(), character(0)), i, t(apply(i, 1, function(k) {
  e <- d; e$y <- fitted(m) + r[k]; one(e, y ~ t + x + sex, se = FALSE) })))
write(toJSON(cases, digits = NA, auto_unbox = TRUE, dataframe = "columns", na = "null"),
      "bootstrap.json")
