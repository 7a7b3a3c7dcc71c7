# Golden values for weighted and augmented effects: estimating equations stacked and differentiated
# numerically, clubSandwich where the weights are known. Rscript tests/golden/r/weighting.R OUT.json

args <- commandArgs(trailingOnly = TRUE)
out <- if (length(args) > 0) args[1] else "tests/golden/weighting.json"
suppressMessages({library(numDeriv); library(clubSandwich); library(sandwich); library(jsonlite)})

set.seed(11)
n <- 180
family <- rep(1:60, each = 3)
x <- round(rnorm(n) + rnorm(60)[family] / 2, 2)
z <- round(rexp(n), 2)
kind <- sample(c("a", "b", "c"), n, replace = TRUE)
b <- round(runif(n, .5, 2), 2)
a <- rbinom(n, 1, plogis(-.6 + .7 * x + .3 * (kind == "b") - .4 * z))
y <- round(5 + 2 * a + x + .5 * z + (kind == "c") + .5 * a * x + rnorm(60)[family] + rnorm(n), 2)
d <- data.frame(y, a, x, z, kind, b, family)

X <- model.matrix(~ x + z + kind, d)
p <- ncol(X)
links <- list(logit = list(e = plogis, s = dlogis), probit = list(e = pnorm, s = dnorm))

# Weights and target as functions of the parameters; g is the score of the propensity model
ps_score <- function(g, base, link) {
  eta <- drop(X %*% g); e <- links[[link]]$e(eta); s <- links[[link]]$s(eta)
  X * (base * (a - e) * s / (e * (1 - e)))
}
ps_weights <- function(g, base, link, estimand) {
  e <- links[[link]]$e(drop(X %*% g))
  w <- switch(estimand, ATE = a / e + (1 - a) / (1 - e), ATT = a + (1 - a) * e / (1 - e),
              ATC = a * (1 - e) / e + (1 - a), ATO = a * (1 - e) + (1 - a) * e)
  h <- switch(estimand, ATE = 1, ATT = a, ATC = 1 - a, ATO = e * (1 - e))
  list(w = base * w, h = base * h * rep(1, n))
}

# Entropy balancing: q targets, then multipliers (intercept and columns) for each weighted arm
arms_of <- function(estimand) switch(estimand, ATT = 0, ATC = 1, ATE = c(1, 0))
eb_target <- function(base, estimand) base * switch(estimand, ATT = a, ATC = 1 - a, ATE = 1)
eb_unpack <- function(g, base, estimand) {
  k <- p - 1
  mu <- g[1:k]
  w <- base
  scores <- (X[, -1] - rep(mu, each = n)) * eb_target(base, estimand)
  for (i in seq_along(arms_of(estimand))) {
    arm <- arms_of(estimand)[i]
    lambda <- g[k + (i - 1) * p + 1:p]
    own <- a == arm
    wi <- base * exp(drop(X %*% lambda)) * own
    w[own] <- wi[own]
    # the columns meet the targets; the sum of weights stays that of the base weights in the arm
    scores <- cbind(scores, wi - base * own, wi * (X[, -1] - rep(mu, each = n)))
  }
  list(w = w, h = eb_target(base, estimand) * rep(1, n), scores = scores)
}
eb_fit <- function(base, estimand) {
  h <- eb_target(base, estimand) * rep(1, n)
  mu <- colSums(X[, -1] * h) / sum(h)
  g <- mu
  for (arm in arms_of(estimand)) {
    own <- a == arm
    C <- sweep(X[own, -1], 2, mu)
    q <- base[own]
    l <- rep(0, p - 1)
    for (step in 1:200) {
      w <- q * exp(drop(C %*% l)); w <- w / sum(w)
      grad <- colSums(w * C)
      H <- t(C) %*% (C * w) - tcrossprod(grad)
      l <- l - solve(H, grad)
    }
    w <- q * exp(drop(C %*% l))
    g <- c(g, log(sum(q) / sum(w)) - sum(l * mu), l)
  }
  g
}

effect <- function(method, link, estimand, base, adjust) {
  if (method == "entropy") {
    g <- eb_fit(base, estimand)
    parts <- function(g) eb_unpack(g, base, estimand)
  } else {
    fam <- quasibinomial(link)
    g <- coef(glm(a ~ X - 1, family = fam, weights = base,
                  control = glm.control(epsilon = 1e-14, maxit = 100)))
    parts <- function(g) c(ps_weights(g, base, link, estimand), list(scores = ps_score(g, base, link)))
  }
  R <- if (adjust) X else X[, 1, drop = FALSE]
  k <- ncol(R)
  q <- length(g)
  at <- parts(g)
  t1 <- colSums(R * at$h) / sum(at$h)
  b1 <- coef(lm(y ~ R - 1, weights = at$w, subset = a == 1))
  b0 <- coef(lm(y ~ R - 1, weights = at$w, subset = a == 0))
  tau <- sum(t1 * (b1 - b0))
  theta <- unname(c(g, t1, b1, b0, tau))
  psi <- function(th) {
    P <- parts(th[1:q]); m <- th[q + 1:k]; c1 <- th[q + k + 1:k]; c0 <- th[q + 2 * k + 1:k]
    cbind(P$scores, (R - rep(m, each = n)) * P$h,
          R * (a * P$w * (y - drop(R %*% c1))), R * ((1 - a) * P$w * (y - drop(R %*% c0))),
          (sum(m * (c1 - c0)) - th[q + 3 * k + 1]) * rep(1 / n, n))
  }
  S <- psi(theta)
  A <- jacobian(function(th) colSums(psi(th)), theta)
  influence <- -S %*% t(solve(A))
  tau_if <- influence[, ncol(influence)]
  m <- R[, -1, drop = FALSE] - rep(t1[-1], each = n)
  f <- if (!adjust) lm(y ~ a, weights = at$w)
       else if (estimand == "ATT") lm(y ~ a + I(m * (1 - a)), weights = at$w)
       else if (estimand == "ATC") lm(y ~ a + I(m * a), weights = at$w)
       else lm(y ~ a + I(m * (1 - a)) + I(m * a), weights = at$w)
  known <- function(cl) {
    V <- vcovCR(f, cluster = cl, type = "CR2", target = rep(1, n), inverse_var = FALSE)
    ct <- coef_test(f, vcov = V, coefs = "a", test = "Satterthwaite")
    c(ct$SE, if (is.null(ct$df_Satt)) ct$df else ct$df_Satt)
  }
  list(estimate = tau, scores = max(abs(colSums(S))), se = sqrt(sum(tau_if^2)),
       se_cluster = sqrt(sum(rowsum(tau_if, family)^2)), known = known(1:n), known_cluster = known(family),
       ess = c(sum(at$w[a == 1])^2 / sum(at$w[a == 1]^2), sum(at$w[a == 0])^2 / sum(at$w[a == 0]^2)))
}

augmented <- function(estimand, link, base, adjust) {
  fam <- quasibinomial(link)
  g <- coef(glm(a ~ X - 1, family = fam, weights = base,
                control = glm.control(epsilon = 1e-14, maxit = 100)))
  R <- if (adjust) X else X[, c("(Intercept)", "x")]
  k <- ncol(R)
  b1 <- coef(lm(y ~ R - 1, weights = base, subset = a == 1))
  b0 <- coef(lm(y ~ R - 1, weights = base, subset = a == 0))
  value <- function(th) {
    P <- ps_weights(th[1:p], base, link, estimand)
    m1 <- drop(R %*% th[p + 1:k]); m0 <- drop(R %*% th[p + k + 1:k])
    list(h = P$h, v = P$h * (m1 - m0) + a * P$w * (y - m1) - (1 - a) * P$w * (y - m0))
  }
  v <- value(c(g, b1, b0))
  tau <- sum(v$v) / sum(v$h)
  theta <- unname(c(g, b1, b0, tau))
  psi <- function(th) {
    V <- value(th)
    cbind(ps_score(th[1:p], base, link), R * (a * base * (y - drop(R %*% th[p + 1:k]))),
          R * ((1 - a) * base * (y - drop(R %*% th[p + k + 1:k]))), V$v - th[p + 2 * k + 1] * V$h)
  }
  S <- psi(theta)
  A <- jacobian(function(th) colSums(psi(th)), theta)
  stacked <- (-S %*% t(solve(A)))[, ncol(S)]
  plain <- (v$v - tau * v$h) / sum(v$h)
  se <- function(u) sqrt(sum(u^2) * length(u) / (length(u) - 1))
  list(estimate = tau, auto = se(stacked), influence = se(plain),
       auto_cluster = se(rowsum(stacked, family)), influence_cluster = se(rowsum(plain, family)))
}

one <- rep(1, n)
cases <- list()
for (e in c("ATT", "ATE", "ATC", "ATO")) for (adjust in c(FALSE, TRUE))
  cases[[paste("propensity", e, adjust)]] <- c(list(method = "propensity", link = "logit", estimand = e,
    base = FALSE, adjust = adjust), effect("propensity", "logit", e, one, adjust))
for (e in c("ATT", "ATE", "ATC")) for (adjust in c(FALSE, TRUE))
  cases[[paste("entropy", e, adjust)]] <- c(list(method = "entropy", link = "logit", estimand = e,
    base = FALSE, adjust = adjust), effect("entropy", "logit", e, one, adjust))
for (e in c("ATT", "ATE", "ATO"))
  cases[[paste("probit", e)]] <- c(list(method = "propensity", link = "probit", estimand = e,
    base = FALSE, adjust = TRUE), effect("propensity", "probit", e, one, TRUE))
for (m in c("propensity", "entropy")) for (e in c("ATT", "ATE"))
  cases[[paste("base", m, e)]] <- c(list(method = m, link = "logit", estimand = e, base = TRUE,
    adjust = TRUE), effect(m, "logit", e, b, TRUE))
doubly <- list()
for (e in c("ATT", "ATE", "ATC")) for (adjust in c(FALSE, TRUE))
  doubly[[paste(e, adjust)]] <- c(list(estimand = e, link = "logit", base = FALSE, adjust = adjust),
    augmented(e, "logit", one, adjust))
doubly[["probit ATE"]] <- c(list(estimand = "ATE", link = "probit", base = FALSE, adjust = TRUE),
  augmented("ATE", "probit", one, TRUE))
doubly[["base ATT"]] <- c(list(estimand = "ATT", link = "logit", base = TRUE, adjust = TRUE),
  augmented("ATT", "logit", b, TRUE))
write_json(list(data = d, effects = cases, augmented = doubly,
  packages = list(R = as.character(getRversion()), numDeriv = as.character(packageVersion("numDeriv")),
    clubSandwich = as.character(packageVersion("clubSandwich")))), out, digits = NA, auto_unbox = TRUE,
  dataframe = "columns")
