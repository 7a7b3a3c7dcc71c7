# Golden values for repeated_measures and estimating equations: geepack, clubSandwich, lmerTest.
# Rscript tests/golden/r/waves.R OUT.json    (run from the project's folder)
# KC: clubSandwich's CR2 of lm on rows whitened by the Cholesky factor of geepack's working
# covariance; checked here against the definition of Kauermann and Carroll (2001).
suppressMessages({library(geepack); library(clubSandwich); library(lmerTest); library(jsonlite)})
args <- commandArgs(trailingOnly = TRUE)
out <- if (length(args) > 0) args[1] else "tests/golden/waves.json"
set.seed(20240401)
tight <- geese.control(epsilon = 1e-12, maxit = 5000)
TERM <- "^arm:wave|^wave.*:arm$|:arm$"

# --- tables ---------------------------------------------------------------------------------
b <- read.csv("examples/beating-the-blues/beating_the_blues.csv")
names(b) <- gsub("[._]", "", names(b))
made <- function(families, waves) {
  size <- sample(1:4, families, TRUE)
  fam <- rep(seq_len(families), size); n <- length(fam)
  arm <- rep_len(0:1, families)[fam]
  x <- sample(c("north", "south"), n, TRUE); base <- round(rnorm(n, 20, 5), 1)
  u <- rnorm(families, 0, 2)[fam] + rnorm(n, 0, 2)
  d <- expand.grid(wave = waves, person = seq_len(n))
  i <- d$person
  d <- data.frame(d, fam = fam[i], arm = arm[i], x = x[i], base = base[i])
  d$y <- round(5 + .5 * d$base + u[i] + .2 * d$wave * (1 - d$arm) - d$arm + (d$x == "south") +
               rnorm(nrow(d), 0, 2), 1)
  d$yes <- as.numeric(d$y > 14.5)
  d[runif(nrow(d)) > .12, ]
}
D <- made(36, c(1, 2, 3, 4))
# geepack 1.3.9 reads outside its memory where a person misses a wave between two others and
# corstr is ar1 or unstructured: those two are taken from the rows before a person's first gap
before_gap <- function(d) {
  d <- d[order(d$person, d$wave), ]
  d[as.integer(factor(d$wave)) == ave(d$wave, d$person, FUN = seq_along), ]
}
rows_for <- function(d, kind) if (kind %in% c("ar1", "unstructured")) before_gap(d) else d

# --- one set of numbers -----------------------------------------------------------------------
design <- function(d, covs = NULL) {
  d$w <- factor(d$wave)
  f <- paste("~ w + w:I(base - mean(base))", if (!is.null(covs)) paste("+", paste(covs, collapse = "+")))
  a <- model.matrix(~ 0 + w, d) * d$arm
  colnames(a) <- paste0("arm", seq_len(ncol(a)))
  cbind(model.matrix(as.formula(f), d), a)
}
corr <- function(kind, alpha, k) {
  if (kind == "independence") return(diag(k))
  if (kind == "exchangeable") return(matrix(alpha, k, k) + diag(1 - alpha, k))
  if (kind == "ar1") return(alpha^abs(outer(1:k, 1:k, "-")))
  R <- diag(k); R[lower.tri(R)] <- alpha; R <- R + t(R) - diag(k); R
}
whiten <- function(d, X, y, R) {
  place <- as.integer(factor(d$wave)); Xw <- X; yw <- y
  for (i in unique(d$person)) {
    r <- which(d$person == i); L <- t(chol(R[place[r], place[r], drop = FALSE]))
    Xw[r, ] <- forwardsolve(L, X[r, , drop = FALSE]); yw[r] <- forwardsolve(L, y[r])
  }
  list(X = Xw, y = yw)
}
# bias-corrected sandwich from the definition: (I - H)_gg^power, H = X (X'V^-1X)^-1 X'V^-1
by_definition <- function(X, V, e, g, power) {
  Vi <- solve(V); M <- solve(t(X) %*% Vi %*% X); meat <- 0
  for (k in unique(g)) {
    r <- which(g == k)
    E <- eigen(diag(length(r)) - X[r, , drop = FALSE] %*% M %*% t(X[r, , drop = FALSE]) %*% Vi[r, r])
    A <- Re(E$vectors %*% diag(E$values^power, length(r)) %*% solve(E$vectors))
    s <- t(X[r, , drop = FALSE]) %*% Vi[r, r] %*% A %*% e[r]; meat <- meat + s %*% t(s)
  }
  M %*% meat %*% M
}
big <- function(d, R, a = rep(1, nrow(d))) {
  place <- as.integer(factor(d$wave))
  outer(sqrt(a), sqrt(a)) * R[place, place] * outer(d$person, d$person, "==")
}
numbers <- function(d, X, y, R, g) {
  w <- whiten(d, X, y, R); f <- lm(w$y ~ 0 + w$X); arms <- grep("^arm[0-9]", colnames(X))
  names(f$coefficients) <- colnames(X)
  V <- vcovCR(f, cluster = g, type = "CR2")
  s <- coef_test(f, vcov = V, test = "Satterthwaite")[arms, ]
  k <- length(arms); C <- matrix(0, k - 1, ncol(X)); C[, arms] <- cbind(-1, diag(k - 1))
  m <- rep(0, ncol(X)); m[arms] <- 1 / k
  lc <- linear_contrast(f, vcov = V, contrasts = matrix(m, 1))
  h <- Wald_test(f, constraints = C, vcov = V, test = "HTZ")
  e <- as.vector(y - X %*% coef(f)); B <- big(d, R)
  kc <- by_definition(X, B, e, g, -.5); md <- by_definition(X, B, e, g, -1)
  stopifnot(all.equal(sqrt(diag(kc)), unname(sqrt(diag(V))), check.attributes = FALSE, tolerance = 1e-8))
  list(estimate = unname(coef(f)[arms]), std_error = s$SE, df = s$df_Satt, p_value = s$p_Satt,
       md = unname(sqrt(diag(md)))[arms],
       average = c(lc$Est, lc$SE, lc$df), htz = c(h$Fstat, h$df_num, h$df_denom, h$p_val))
}
equations <- function(d, covs, kind, g) {
  d <- rows_for(d[order(d$person, d$wave), ], kind); X <- design(d, covs)
  k <- length(unique(d$wave))
  f <- geeglm(d$y ~ 0 + X, id = d$person, waves = as.integer(factor(d$wave)), corstr = kind,
              control = tight)
  alpha <- if (kind == "independence") numeric(0) else unname(f$geese$alpha)
  arms <- grep("^arm[0-9]", colnames(X))
  n <- numbers(d, X, d$y, corr(kind, alpha, k), d[[g]])
  stopifnot(all.equal(n$estimate, unname(coef(f)[arms]), tolerance = 1e-6))
  c(list(alpha = I(alpha), robust = unname(sqrt(diag(f$geese$vbeta)))[arms]), n)
}
mixed <- function(d, covs) {
  d <- d[order(d$person, d$wave), ]; X <- design(d, covs); d$X <- X
  f <- lmerTest::lmer(y ~ 0 + X + (1 | person), d, control = lme4::lmerControl(optimizer = "bobyqa",
                      optCtrl = list(rhoend = 1e-12, maxfun = 1e6)))
  s <- summary(f)$coefficients; arms <- grep("^Xarm[0-9]", rownames(s)); k <- length(arms)
  C <- matrix(0, k - 1, nrow(s)); C[, arms] <- cbind(-1, diag(k - 1))
  m <- rep(0, nrow(s)); m[arms] <- 1 / k; a <- contest1D(f, m); h <- contestMD(f, C)
  v <- as.data.frame(lme4::VarCorr(f))$vcov
  list(estimate = unname(s[arms, 1]), std_error = unname(s[arms, 2]), df = unname(s[arms, 3]),
       p_value = unname(s[arms, 5]), icc = v[1] / sum(v),
       average = c(a[["Estimate"]], a[["Std. Error"]], a[["df"]]),
       joint = c(h[["F value"]], h[["NumDF"]], h[["DenDF"]], h[["Pr(>F)"]]))
}
mixed_clustered <- function(d, covs, g) {
  d <- d[order(d$person, d$wave), ]; X <- design(d, covs); m <- mixed(d, covs)
  numbers(d, X, d$y, corr("exchangeable", m$icc, length(unique(d$wave))), d[[g]])
}
# odds ratios: the sandwich of the definition on D, and the delta method written out
odds <- function(d, covs, kind, g) {
  d <- rows_for(d[order(d$person, d$wave), ], kind); X <- design(d, covs)
  k <- length(unique(d$wave))
  f <- geeglm(d$yes ~ 0 + X, family = binomial, id = d$person, waves = as.integer(factor(d$wave)),
              corstr = kind, control = tight)
  alpha <- if (kind == "independence") 0 else f$geese$alpha
  mu <- as.vector(fitted(f)); a <- mu * (1 - mu)
  kc <- by_definition(X * a, big(d, corr(kind, alpha, k), a), d$yes - mu, d[[g]], -.5)
  arms <- grep("^arm[0-9]", colnames(X)); place <- as.integer(factor(d$wave))
  value <- c(); G <- NULL
  for (w in 1:k) {
    lo <- function(beta, z) { Z <- X[place == w, ]; Z[, arms[w]] <- z; qlogis(mean(plogis(Z %*% beta))) }
    h <- function(beta) lo(beta, 1) - lo(beta, 0)
    value <- c(value, h(coef(f)))
    G <- rbind(G, sapply(seq_along(coef(f)), function(j) {
      s <- rep(0, ncol(X)); s[j] <- 1e-5; (h(coef(f) + s) - h(coef(f) - s)) / 2e-5 }))
  }
  list(alpha = I(if (kind == "independence") numeric(0) else unname(alpha)), log_odds_ratio = value,
       conditional = unname(coef(f))[arms], kc = sqrt(diag(G %*% kc %*% t(G))),
       robust = sqrt(diag(G %*% f$geese$vbeta %*% t(G))))
}

# --- Beating the Blues ------------------------------------------------------------------------
pre <- grep("pre", names(b), value = TRUE)[1]
after <- grep("m$|months", setdiff(grep("bdi", names(b), value = TRUE), pre), value = TRUE)
stopifnot(length(after) == 4)
long <- do.call(rbind, lapply(seq_along(after), function(k)
  data.frame(person = seq_len(nrow(b)), wave = c(2, 3, 5, 8)[k], base = b[[pre]], drug = b$drug,
             length = b$length, arm = as.numeric(b$treatment == "BtheB"), y = b[[after[k]]])))
long <- long[!is.na(long$y), ]
stopifnot(nrow(before_gap(long)) == nrow(long))
kinds <- c("independence", "exchangeable", "ar1", "unstructured"); names(kinds) <- kinds
o <- geeglm(resp ~ age + smoke, data = geepack::ohio, id = id, family = binomial, corstr = "ar1",
            control = tight)
packages <- c("geepack", "clubSandwich", "lmerTest", "lme4", "jsonlite")
result <- list(
  r_version = as.character(getRversion()),
  packages = lapply(setNames(packages, packages), function(p) as.character(packageVersion(p))),
  source = "families: made in the script; blues: Proudfoot et al. (2003); ohio: geepack",
  ohio_ar1 = list(coef = unname(coef(o)), robust_se = unname(sqrt(diag(o$geese$vbeta))),
                  alpha = unname(o$geese$alpha), scale = unname(o$geese$gamma)),
  blues = list(gee = lapply(kinds, function(k) equations(long, c("drug", "length"), k, "person")),
               mixed = mixed(long, c("drug", "length"))),
  families = list(data = as.list(D),
                  gee = lapply(kinds, function(k) equations(D, "x", k, "fam")),
                  mixed = mixed(D, "x"), mixed_clustered = mixed_clustered(D, "x", "fam"),
                  odds = lapply(kinds, function(k) odds(D, "x", k, "fam"))))
writeLines(toJSON(result, digits = NA, auto_unbox = TRUE, na = "null"), out)
