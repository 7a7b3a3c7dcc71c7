# Randomisation tests, step-down p-values and a wild cluster bootstrap by plain arithmetic in R:
# lm for each assignment, sandwich for HC2, clubSandwich for CR2; writes permutation.json.
# Run from tests/golden: Rscript r/permutation.R
suppressMessages({library(sandwich); library(clubSandwich); library(jsonlite)})
cases <- list()
add <- function(id, note, data, values) {
  versions <- lapply(setNames(nm = c("sandwich", "clubSandwich")),
    function(p) as.character(packageVersion(p)))
  cases[[length(cases) + 1]] <<- list(id = id, r_version = as.character(getRversion()),
    packages = versions, note = note, data = data, values = values)
}
fit_t <- function(formula, d, cluster = NULL) {
  m <- lm(formula, data = d)
  used <- as.integer(rownames(model.frame(m)))
  v <- if (is.null(cluster)) vcovHC(m, "HC2") else vcovCR(m, cluster = cluster[used], type = "CR2")
  c(b = unname(coef(m)["z"]), se = sqrt(as.matrix(v)["z", "z"]))
}
step_down <- function(obs, drawn, add_one = 0) {     # drawn: draws by outcomes, absolute
  o <- order(-obs); m <- nrow(drawn)
  p <- sapply(seq_along(o), function(k) {
    top <- apply(drawn[, o[k:length(o)], drop = FALSE], 1, max)
    (sum(top >= obs[o[k]] - 1e-9) + add_one) / (m + add_one)
  })
  out <- numeric(length(o)); out[o] <- cummax(p); out
}
all_assignments <- function(z, strata) {             # rows: assignments of units
  parts <- lapply(unique(strata), function(s) {
    i <- which(strata == s); k <- combn(length(i), sum(z[i]))
    t(apply(k, 2, function(on) as.numeric(seq_along(i) %in% on)))
  })
  grid <- expand.grid(lapply(parts, function(p) seq_len(nrow(p))))
  t(apply(grid, 1, function(g) {
    full <- numeric(length(z))
    for (j in seq_along(parts)) full[strata == unique(strata)[j]] <- parts[[j]][g[j], ]
    full
  }))
}
study <- function(d, outcomes, rhs, assignments, unit, cluster = NULL) {
  forms <- lapply(outcomes, function(y) as.formula(paste(y, "~ z", rhs)))
  obs <- sapply(forms, fit_t, d = d, cluster = cluster)
  drawn <- lapply(seq_len(nrow(assignments)), function(a) {
    e <- d; e$z <- assignments[a, unit]
    sapply(forms, fit_t, d = e, cluster = cluster)
  })
  b <- t(sapply(drawn, function(x) x[1, ])); t <- t(sapply(drawn, function(x) x[1, ] / x[2, ]))
  tobs <- obs[1, ] / obs[2, ]
  list(assignments = nrow(assignments), estimate = obs[1, ], std_error = obs[2, ],
    p_difference = colMeans(sweep(abs(b), 2, abs(obs[1, ]) - 1e-9, ">=")),
    p_difference_greater = colMeans(sweep(b, 2, obs[1, ] - 1e-9, ">=")),
    p_t = colMeans(sweep(abs(t), 2, abs(tobs) - 1e-9, ">=")),
    p_t_less = colMeans(sweep(t, 2, tobs + 1e-9, "<=")),
    westfall_young = step_down(abs(tobs), abs(t)))
}
resamples <- function(d, outcomes, rhs, taken, unit, clustered) {
  forms <- lapply(outcomes, function(y) as.formula(paste(y, "~ z", rhs)))
  go <- function(times) {
    rows <- unlist(lapply(seq_along(times), function(u) rep(which(unit == u), times[u])))
    copy <- unlist(lapply(seq_along(times), function(u)
      if (times[u]) paste(u, rep(seq_len(times[u]), each = sum(unit == u)))))
    e <- d[rows, ]; rownames(e) <- NULL
    sapply(forms, fit_t, d = e, cluster = if (clustered) as.integer(factor(copy)))
  }
  obs <- go(rep(1, ncol(taken)))
  stars <- t(apply(taken, 1, function(w) { x <- go(w); (x[1, ] - obs[1, ]) / x[2, ] }))
  tobs <- abs(obs[1, ] / obs[2, ])
  list(taken = taken, t_star = stars, romano_wolf = step_down(tobs, abs(stars), 1),
    alone = (colSums(sweep(abs(stars), 2, tobs - 1e-9, ">=")) + 1) / (nrow(taken) + 1))
}
take <- function(draws, cells) t(replicate(draws, {
  w <- numeric(length(cells))
  for (k in unique(cells)) {
    i <- which(cells == k); w[i] <- tabulate(sample(length(i), replace = TRUE), length(i))
  }
  w
}))

set.seed(20240401)
# 1. Rows in two strata, 2 of 6 and 3 of 6 treated; a covariate; one outcome with gaps
rows <- data.frame(stratum = rep(c("a", "b"), each = 6), z = c(1, 1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0))
rows$x <- round(rnorm(12), 2)
rows$y1 <- round(1.5 * rows$z + rows$x + (rows$stratum == "b") + rnorm(12), 2)
rows$y2 <- round(0.5 * rows$z + rnorm(12), 2); rows$y2[c(5, 10)] <- NA
rows$y3 <- round(0.8 * rows$y1 + rnorm(12), 2)
ys <- c("y1", "y2", "y3")
a <- all_assignments(rows$z, rows$stratum)
add("rows_strata", "y ~ z + x + stratum, HC2, everyone re-randomised", rows,
  study(rows, ys, "+ x + stratum", a, 1:12))
add("rows_plain", "y ~ z within strata kept by strata in the model only", rows,
  study(rows, ys, "+ stratum", a, 1:12))
# 2. Eight clusters of 2 to 4, four treated, a covariate, one outcome with gaps
size <- c(2, 3, 4, 2, 3, 3, 4, 2)
cl <- data.frame(g = rep(1:8, size)); arms <- c(1, 0, 1, 1, 0, 0, 1, 0)
cl$z <- arms[cl$g]; cl$x <- round(rnorm(nrow(cl)), 2)
u <- rnorm(8)
cl$y1 <- round(cl$z + u[cl$g] + 0.5 * cl$x + rnorm(nrow(cl)), 2)
cl$y2 <- round(1.2 * cl$z + rnorm(nrow(cl)), 2); cl$y2[c(3, 8, 20)] <- NA
b <- all_assignments(arms, rep(1, 8))
add("clusters", "y ~ z + x, CR2, whole clusters re-randomised", cl,
  study(cl, c("y1", "y2"), "+ x", b, cl$g, cl$g))
add("clusters_plain", "y ~ z, CR2, whole clusters re-randomised", cl,
  study(cl, c("y1", "y2"), "", b, cl$g, cl$g))
# 3. Romano-Wolf with the resamples written out
big <- data.frame(z = rep(c(1, 0), 10), x = round(rnorm(20), 2))
big$y1 <- round(big$z + big$x + rnorm(20), 2); big$y2 <- round(0.6 * big$z + rnorm(20), 2)
big$y2[c(4, 9)] <- NA
add("resampled_rows", "rows taken within arms; y ~ z + x, HC2", big,
  resamples(big, c("y1", "y2"), "+ x", take(60, big$z), 1:20, FALSE))
twelve <- data.frame(g = rep(1:12, rep(c(2, 3, 4), 4))); arms12 <- rep(c(1, 0), 6)
twelve$z <- arms12[twelve$g]; twelve$x <- round(rnorm(nrow(twelve)), 2)
v <- rnorm(12)
twelve$y1 <- round(twelve$z + v[twelve$g] + rnorm(nrow(twelve)), 2)
twelve$y2 <- round(0.5 * twelve$z + twelve$x + rnorm(nrow(twelve)), 2)
add("resampled_clusters", "clusters taken within arms; y ~ z + x, CR2", twelve,
  resamples(twelve, c("y1", "y2"), "+ x", take(40, arms12), twelve$g, TRUE))
# 4. Wild cluster bootstrap, null imposed, CR1S (sandwich::vcovCL HC1), fitted draw by draw
cr1s <- function(y, X, g) {                          # coefficient z and its error, plain algebra
  A <- solve(crossprod(X)); b <- A %*% crossprod(X, y); e <- y - X %*% b
  S <- rowsum(X * as.vector(e), g); G <- nrow(S); n <- length(y); k <- ncol(X)
  V <- A %*% crossprod(S) %*% A * G / (G - 1) * (n - 1) / (n - k)
  c(b[2], sqrt(V[2, 2]))
}
wild <- function(d, rhs, multipliers, theta, exact) {
  X <- model.matrix(as.formula(paste("~ z", rhs)), d); R <- X[, -2, drop = FALSE]
  g <- as.integer(factor(d$g)); obs <- cr1s(d$y, X, g)
  m <- lm(as.formula(paste("y ~ z", rhs)), data = d)
  check <- sqrt(vcovCL(m, cluster = d$g, type = "HC1", cadjust = TRUE)["z", "z"])
  stopifnot(abs(check - obs[2]) < 1e-12)
  p <- function(th) {
    y0 <- d$y - th * d$z; fitted <- R %*% solve(crossprod(R), crossprod(R, y0)); u <- y0 - fitted
    t0 <- abs((obs[1] - th) / obs[2])
    ts <- apply(multipliers, 1, function(w) { x <- cr1s(fitted + w[g] * u, X, g); abs(x[1] / x[2]) })
    b <- sum(ts >= t0 - 1e-9 * (1 + t0))
    if (exact) b / nrow(multipliers) else (b + 1) / (nrow(multipliers) + 1)
  }
  end <- function(side, alpha) {
    far <- NA
    for (k in 0:20) if (p(obs[1] + side * obs[2] * 2^k) <= alpha) { far <- side * obs[2] * 2^k; break }
    near <- 0
    for (i in 1:40) { mid <- (near + far) / 2; if (p(obs[1] + mid) <= alpha) far <- mid else near <- mid }
    obs[1] + near
  }
  list(estimate = obs[1], std_error = obs[2], theta = theta, p = sapply(theta, p),
    level = 0.9, conf_low = end(-1, 0.1), conf_high = end(1, 0.1), multipliers = if (!exact) multipliers)
}
ten <- data.frame(g = rep(1:8, size)); ten$z <- arms[ten$g]; ten$x <- round(rnorm(nrow(ten)), 2)
w8 <- rnorm(8)
ten$y <- round(1.5 * ten$z + 0.5 * w8[ten$g] + ten$x + rnorm(nrow(ten)), 2)
signs <- as.matrix(expand.grid(rep(list(c(1, -1)), 8))); dimnames(signs) <- NULL
add("wild_rademacher", "all 256 signs; y ~ z + x", ten, wild(ten, "+ x", signs, c(0, 0.5, 1, 3), TRUE))
six <- c(-1, 1) %o% sqrt(c(0.5, 1, 1.5))
webb <- matrix(sample(six, 8 * 99, replace = TRUE), 99)
add("wild_webb", "99 draws of Webb's points written out; y ~ z, z within clusters",
  transform(ten, z = rep(c(1, 0), length.out = nrow(ten))),
  wild(transform(ten, z = rep(c(1, 0), length.out = nrow(ten))), "+ x", webb, c(0, 0.5, -1), FALSE))
write_json(cases, "permutation.json", digits = NA, auto_unbox = TRUE, pretty = FALSE, na = "null")
