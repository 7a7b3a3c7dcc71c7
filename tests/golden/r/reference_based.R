# Golden values for reference_based: own draws for monotone dropout, and nlme's gls.
# Rscript tests/golden/r/reference_based.R OUT.json    (run from the project's folder)
# With dropout only (nobody comes back) the posterior needs no iteration: each wave is regressed on
# the design and the waves before it among those seen, with residual degrees of freedom
# n_j - columns - waves + j under the prior |Sigma|^(-(waves + 1) / 2). That is another algorithm
# than the package's, for the same posterior.
suppressMessages({library(nlme); library(sandwich); library(jsonlite)})
args <- commandArgs(trailingOnly = TRUE)
out <- if (length(args) > 0) args[1] else "tests/golden/reference_based.json"
set.seed(20240907)
n <- 150; p <- 4; DRAWS <- 4000
arm <- rep(0:1, n / 2); sex <- rbinom(n, 1, .5)
u <- rnorm(n, 0, 3); base <- round(20 + u + rnorm(n, 0, 2), 1)
Y <- sapply(1:p, function(j) 19 + .9 * u - .4 * j - arm * j * .9 + sex + rnorm(n, 0, 2 + .2 * j))
Y <- round(Y, 1)
for (i in 1:n) for (j in 2:p) {
  risk <- plogis(-2.4 + .12 * (Y[i, j - 1] - 17) + .3 * arm[i])
  if (!is.na(risk) && runif(1) < risk) { Y[i, j:p] <- NA; break }
}
Y[c(5, 18), ] <- NA                      # never seen after the start, one in each arm
G <- Y; G[cbind(sample(which(!is.na(Y[, 3])), 9), 1)] <- NA; G[cbind(sample(which(!is.na(Y[, 4])), 9), 2)] <- NA

# --- draws of the parameters ------------------------------------------------------------------
sequential <- function(Y, D) {           # one draw of coefficients (columns by waves) and Sigma
  k <- ncol(D); p <- ncol(Y); n <- nrow(Y)
  B <- matrix(0, k, p); L <- matrix(0, p, p); v <- numeric(p)
  for (j in 1:p) {
    seen <- !is.na(Y[, j])
    X <- cbind(D, Y[, seq_len(j - 1), drop = FALSE])[seen, , drop = FALSE]
    q <- qr(X); left <- qr.resid(q, Y[seen, j])
    v[j] <- sum(left^2) / rchisq(1, sum(seen) - k - p + j)
    b <- qr.coef(q, Y[seen, j]) + backsolve(qr.R(q), rnorm(ncol(X))) * sqrt(v[j])
    L[j, seq_len(j - 1)] <- b[-seq_len(k)]
    B[, j] <- b[seq_len(k)] + B %*% L[j, ]
  }
  R <- solve(diag(p) - L)
  list(B = B, S = R %*% diag(v) %*% t(R))
}
fill <- function(y, muT, muR, ST, SR, strategy, treated) {
  miss <- which(is.na(y)); if (!length(miss)) return(y)
  k <- p - length(miss); seen <- seq_len(k)
  mu <- if (treated) muT else muR; S <- if (treated) ST else SR
  if (treated && strategy != "MAR") {
    if (k == 0 || strategy == "CR") { mu <- muR; S <- SR }
    else if (strategy == "LMCF") mu[miss] <- muT[k]
    else {
      mu[miss] <- if (strategy == "J2R") muR[miss] else muT[k] + muR[miss] - muR[k]
      A <- SR[miss, seen, drop = FALSE] %*% solve(SR[seen, seen])
      S <- matrix(0, p, p); S[seen, seen] <- ST[seen, seen]
      S[miss, seen] <- A %*% ST[seen, seen]; S[seen, miss] <- t(S[miss, seen])
      S[miss, miss] <- SR[miss, miss] - A %*% (SR[seen, seen] - ST[seen, seen]) %*% t(A)
    }
  }
  if (k == 0) { m <- mu; V <- S } else {
    A <- S[miss, seen, drop = FALSE] %*% solve(S[seen, seen])
    m <- mu[miss] + A %*% (y[seen] - mu[seen])
    V <- S[miss, miss] - A %*% S[seen, miss, drop = FALSE]
  }
  y[miss] <- m + t(chol(V)) %*% rnorm(length(miss)); y
}
STRATEGIES <- c("MAR", "J2R", "CR", "CIR", "LMCF")
COV <- cbind(base, sex)
H <- cbind(1, arm, COV); hat <- solve(crossprod(H)) %*% t(H); lev <- 1 - rowSums(H * t(hat))
analyse <- function(y) {
  e <- y - H %*% (hat %*% y)
  c(sum(hat[2, ] * y), sum(hat[2, ]^2 * e^2 / lev))       # estimate, HC2 variance
}
stopifnot(local({ y <- rnorm(n); f <- lm(y ~ arm + COV)
  isTRUE(all.equal(analyse(y), unname(c(coef(f)[2], vcovHC(f, "HC2")[2, 2]))))}))
run <- function(byarm) {
  found <- array(NA, c(DRAWS, 2, 5), list(NULL, NULL, STRATEGIES))
  incomplete <- which(is.na(Y[, p]))
  for (d in 1:DRAWS) {
    if (byarm) {
      own <- cbind(1, COV)
      a <- sequential(Y[arm == 1, ], own[arm == 1, ]); r <- sequential(Y[arm == 0, ], own[arm == 0, ])
      MT <- own %*% a$B; MR <- own %*% r$B; ST <- a$S; SR <- r$S
    } else {
      a <- sequential(Y, H); T1 <- H; T1[, 2] <- 1; T0 <- H; T0[, 2] <- 0
      MT <- T1 %*% a$B; MR <- T0 %*% a$B; ST <- SR <- a$S
    }
    for (s in STRATEGIES) {
      last <- Y[, p]
      for (i in incomplete) last[i] <- fill(Y[i, ], MT[i, ], MR[i, ], ST, SR, s, arm[i] == 1)[p]
      found[d, , s] <- analyse(last)
    }
  }
  one <- function(s) list(mean = mean(found[, 1, s]), between = var(found[, 1, s]),
                          within = mean(found[, 2, s]))
  setNames(lapply(STRATEGIES, one), STRATEGIES)
}
mmrm <- function(W) {
  d <- data.frame(id = rep(1:n, p), t = rep(1:p, each = n), y = c(W), arm, sex, base)
  d <- d[!is.na(d$y), ]; d$w <- factor(d$t)
  f <- gls(y ~ w + w:arm + w:base + w:sex - 1, d, corSymm(form = ~ t | id), varIdent(form = ~ 1 | w),
           control = glsControl(tolerance = 1e-9, msTol = 1e-10, maxIter = 500, msMaxIter = 500))
  at <- paste0("w", p, ":arm")
  list(estimate = unname(coef(f)[at]), std_error = sqrt(vcov(f)[at, at]))
}
result <- list(
  r_version = paste(R.version$major, R.version$minor, sep = "."), nlme = as.character(packageVersion("nlme")),
  draws = DRAWS, arm = arm, sex = sex, base = base, dropout = Y, gaps = G,
  common = run(FALSE), by_arm = run(TRUE), mmrm_dropout = mmrm(Y), mmrm_gaps = mmrm(G))
write_json(result, out, digits = 12, auto_unbox = TRUE, na = "null")
cat(toJSON(result[c("common", "by_arm", "mmrm_dropout", "mmrm_gaps")], auto_unbox = TRUE, pretty = TRUE))
