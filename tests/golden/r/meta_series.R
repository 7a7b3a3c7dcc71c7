# Reference results beyond those of the shared folder, for meta-analysis (metafor), interrupted
# series (sandwich, nlme, lmtest) and synthetic control (quadprog); writes meta_series.json.
# Run from tests/golden: Rscript r/meta_series.R <folder of the shared r/data tables>
suppressMessages({library(metafor); library(sandwich); library(nlme); library(lmtest); library(quadprog); library(jsonlite)})
folder <- commandArgs(TRUE)[1]
cases <- list()
add <- function(id, packages, values, input = NULL, note = "") {
  versions <- lapply(setNames(nm = packages), function(p) as.character(packageVersion(p)))
  cases[[length(cases) + 1]] <<- list(id = id, input_csv = input, packages = versions,
    r_version = as.character(getRversion()), note = note, values = values)
}
read <- function(name) read.csv(file.path(folder, name))
tight <- list(tol = 1e-13, threshold = 1e-13, maxiter = 100000, stepadj = 0.5)

one <- function(yi, vi, mods = NULL) {
  out <- list(yi = as.numeric(yi), vi = as.numeric(vi))
  for (m in c("REML", "DL", "ML", "PM", "SJ", "HE", "EE")) for (test in c("z", "knha")) {
    if (m == "EE" && test == "knha") next
    f <- if (is.null(mods)) rma(yi, vi, method = m, test = test, control = tight)
      else rma(yi, vi, mods = mods, method = m, test = test, control = tight)
    v <- list(b = as.numeric(f$beta), se = f$se, stat = f$zval, p = f$pval, lb = f$ci.lb, ub = f$ci.ub,
      tau2 = f$tau2, se_tau2 = f$se.tau2, I2 = f$I2, H2 = f$H2, Q = f$QE, Qp = f$QEp)
    if (is.null(mods)) { p <- predict(f); v$pi <- c(p$pi.lb, p$pi.ub) }
    else v <- c(v, list(QM = f$QM, QMp = f$QMp, R2 = f$R2))
    if (test == "z" && m != "EE") {
      b <- blup(f); v$blup <- b$pred; v$blup_se <- b$se
      if (m %in% c("REML", "DL")) v$tau2_ci <- as.numeric(confint(f, control = list(tol = 1e-12, tau2.max = 1e5))$random[1, 2:3])
      if (is.null(mods)) {l <- leave1out(f); v$loo <- l$estimate; v$loo_tau2 <- l$tau2}
    }
    out[[paste(m, test, sep = "_")]] <- v
  }
  if (is.null(mods)) {e <- regtest(rma(yi, vi, control = tight), model = "lm"); out$egger <- c(e$zval, e$ddf, e$pval)}
  out
}
r <- read("dat_raudenbush1985.csv"); add("meta_raudenbush", "metafor", one(r$yi, r$vi))
n <- escalc("MD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = read("dat_normand1999.csv"))
add("meta_normand", "metafor", one(n$yi, n$vi))
g <- escalc("SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = subset(read("dat_gibson2002.csv"), !is.na(m1i)))
add("meta_gibson", "metafor", one(g$yi, g$vi))
r$w <- pmin(r$weeks, 3)
add("metareg_raudenbush_weeks", "metafor", c(one(r$yi, r$vi, cbind(r$w)), list(weeks = r$w)))
b <- escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = read("dat_bcg.csv"))
f <- rma(yi, vi, mods = ~ablat + year, data = b, control = tight)
add("metareg_bcg_tight", "metafor", list(b = as.numeric(f$beta), se = f$se, tau2 = f$tau2, QM = f$QM, R2 = f$R2),
  note = "the shared case stops at metafor's default tolerance")
suppressMessages(library(clubSandwich))
mv <- function(f, cl) { # data columns must not be called V: rma.mv would take them for the matrix
  ct <- coef_test(f, "CR2", cluster = cl)
  list(b = as.numeric(f$beta), se = f$se, sigma2 = f$sigma2, logLik = as.numeric(logLik(f)), CR2 = ct$SE, df = ct$df_Satt)
}
fine <- list(rel.tol = 1e-10, iter.max = 1000, eval.max = 2000)
s <- read("SATcoaching.csv"); s$v <- s$V; s$V <- NULL
M <- impute_covariance_matrix(s$v, cluster = s$study, r = 0.6)
k <- read("dat_konstantopoulos2011.csv"); k$early <- 1 * (k$year < 1990)
big <- s; big$d <- round(3 * s$d, 4)
add("dependent", c("metafor", "clubSandwich"), list(
  sat = mv(rma.mv(d ~ 1, V = M, random = ~1 | study, data = s, control = fine), s$study),
  sat_test = mv(rma.mv(d ~ test, V = M, random = ~1 | study, data = s, control = fine), s$study),
  spread = mv(rma.mv(d ~ test, V = M, random = ~1 | study, data = big, control = fine), s$study),
  spread_within = mv(rma.mv(d ~ 1, V = M, random = ~1 | study/test, data = big, control = fine), s$study),
  schools = mv(rma.mv(yi ~ early, vi, random = ~1 | district/school, data = k, control = fine), k$district)),
  note = "spread: d times 3, with the same variances")
set.seed(5); y <- round(rnorm(8, .3, .05), 4); v <- round(runif(8, .02, .3), 4)
add("meta_alike", "metafor", one(y, v), note = "tau squared of 0")
add("meta_three", "metafor", one(c(.1, .5, .9), c(.04, .02, .09)))

nw <- function(f, L) list(lag = L, se = sqrt(diag(NeweyWest(f, lag = L, prewhite = FALSE, adjust = FALSE))),
  se_adjust = sqrt(diag(NeweyWest(f, lag = L, prewhite = FALSE, adjust = TRUE))))
its <- function(y, k, extra = NULL, lags = c(0, 2, 5)) {
  d <- data.frame(y = y, t = seq_along(y)); d$step <- as.numeric(d$t >= k); d$ramp <- (d$t - k) * d$step
  more <- if (is.null(extra)) NULL else paste0("e", seq_len(NCOL(extra)))
  if (!is.null(extra)) d[more] <- extra
  fm <- reformulate(c("t", "step", "ramp", more), "y")
  f <- lm(fm, d)
  g <- do.call(gls, list(fm, data = d, correlation = corAR1(form = ~t), control = list(msTol = 1e-12, tolerance = 1e-12)))
  n <- length(y); j <- 0:(n - k)
  V <- NeweyWest(f, lag = 2, prewhite = FALSE, adjust = TRUE)[3:4, 3:4]
  A <- cbind(1, j); lb <- Box.test(residuals(f), 4, "Ljung-Box")
  bg <- bgtest(fm, order = 4, data = d)
  list(y = y, start = k, coef = coef(f), ols_se = summary(f)$coefficients[, 2], nw = lapply(lags, function(L) nw(f, L)),
    effect = as.numeric(A %*% coef(f)[3:4]), effect_se = sqrt(rowSums((A %*% V) * A)),
    mean_se = sqrt(sum(colMeans(A) * (V %*% colMeans(A)))),
    dw = as.numeric(dwtest(fm, data = d)$statistic), ljung_box = c(lb$statistic, lb$p.value), bg = c(bg$statistic, bg$p.value),
    gls = list(coef = coef(g), se = sqrt(diag(vcov(g))), rho = as.numeric(coef(g$modelStruct$corStruct, unconstrained = FALSE)), logLik = as.numeric(logLik(g))))
}
nile <- read("nile.csv"); add("its_nile", c("sandwich", "nlme", "lmtest"), its(nile$flow, 29), note = "from 1899")
fat <- read("fatalities.csv"); s <- aggregate(cbind(frate * pop, pop) ~ year, fat, sum)
add("its_small", c("sandwich", "nlme", "lmtest"), its(c(50,52,49,51,53,54,52,55,54,56,55,57,48,47,46,47,45,44,45,43,42,43,41,40), 13))
sb <- read("seatbelts.csv"); m <- (seq_len(192) - 1) %% 12
h <- cbind(sin(2*pi*m/12), cos(2*pi*m/12), sin(4*pi*m/12), cos(4*pi*m/12))
add("its_seatbelts_harmonics", c("sandwich", "nlme", "lmtest"), its(log(sb$VanKilled), 170, h), note = "two harmonics")
add("its_seatbelts_rate", c("sandwich", "nlme", "lmtest"), its(log(sb$rear / sb$kms), 170, 1 * (seq_len(192) >= 100)), note = "log rate, a break at 100")
a <- log(sb$front); b <- log(sb$rear); t <- 1:192; st <- 1 * (t >= 170); rp <- (t - 170) * st
f <- lm(I(a - b) ~ t + st + rp); L <- 4
D <- data.frame(y = c(a, b), g = rep(1:0, each = 192), t = t, st = st, rp = rp); l <- lm(y ~ g * (t + st + rp), D)
add("its_seatbelts_front_rear", "sandwich", list(front = a, rear = b, diff = c(nw(f, L), list(coef = coef(f))),
  stacked = as.list(as.data.frame(summary(l)$coefficients[c("g", "g:t", "g:st", "g:rp"), 1:2]))))

sc <- function(Y1, Y0) { # the simplex-constrained least squares, by quadprog
  J <- ncol(Y0); D <- crossprod(Y0) + diag(1e-10, J)
  solve.QP(D, crossprod(Y0, Y1), cbind(rep(1, J), diag(J)), c(1, rep(0, J)), meq = 1)$solution
}
w <- reshape(fat[, c("state", "year", "frate")], idvar = "year", timevar = "state", direction = "wide")
Y <- as.matrix(w[, -1]); colnames(Y) <- sub("frate.", "", colnames(Y)); pre <- w$year < 1987
syn <- lapply(setNames(nm = c("al", "ca", "oh", "vt")), function(u) {
  x <- sc(Y[pre, u], Y[pre, colnames(Y) != u]); names(x) <- setdiff(colnames(Y), u)
  list(loss = mean((Y[pre, u] - Y[pre, names(x)] %*% x)^2)) })
few <- c("oh", "mi", "in", "il", "pa", "wi"); x <- sc(Y[pre, "oh"], Y[pre, few[-1]])
add("synth_fatalities", "quadprog", list(years = w$year, few = few, weights = x, loss = mean((Y[pre, "oh"] - Y[pre, few[-1]] %*% x)^2),
  gap = as.numeric(Y[, "oh"] - Y[, few[-1]] %*% x), all = syn), note = "treated from 1987, made up")
write_json(cases, "meta_series.json", digits = NA, auto_unbox = TRUE, na = "null", null = "null")
