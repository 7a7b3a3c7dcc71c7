# Golden values for bounds and weights under loss, computed another way than the library does:
# standard errors by moving the weight of each row a little and refitting (infinitesimal jackknife).
# Rscript tests/golden/r/missing_bounds.R OUT.json FOLDER   (FOLDER holds the reference tables)

args <- commandArgs(trailingOnly = TRUE)
out <- if (length(args) > 0) args[1] else "tests/golden/missing_bounds.json"
folder <- if (length(args) > 1) args[2] else "../shared/reference/r/data"
suppressMessages({library(sandwich); library(clubSandwich)})

read <- function(name) read.csv(file.path(folder, name), na.strings = c("", "NA"))
lalonde <- read("lalonde_attrition.csv")
lalonde$y <- ifelse(lalonde$observed == 1, lalonde$re78, NA)
lalonde$arm <- lalonde$treat
star <- read("star_attrition.csv")
star$y <- star$read3
star$arm <- star$small
tables <- list(lalonde = lalonde, star = star)

# Mean of the lowest share of a weighted distribution: the integral of its quantile function
low_mean <- function(y, w, share) {
  o <- order(y)
  y <- y[o]
  edge <- c(0, cumsum(w[o])) / sum(w)
  held <- pmax(0, pmin(edge[-1], share) - edge[-length(edge)])
  sum(held * y) / share
}

cell_fractional <- function(y, arm, w) {
  s <- !is.na(y)
  q1 <- sum(w[arm == 1 & s]) / sum(w[arm == 1])
  q0 <- sum(w[arm == 0 & s]) / sum(w[arm == 0])
  a <- s & arm == as.integer(q1 >= q0)
  b <- s & arm != as.integer(q1 >= q0)
  share <- min(q1, q0) / max(q1, q0)
  dn <- low_mean(y[a], w[a], share)
  up <- -low_mean(-y[a], w[a], share)
  m <- weighted.mean(y[b], w[b])
  ends <- if (q1 >= q0) c(dn, up) - m else m - c(up, dn)
  c(ends, sum(w) * min(q1, q0))
}

cell_quantile <- function(y, arm) {
  s <- !is.na(y)
  q1 <- mean(s[arm == 1])
  q0 <- mean(s[arm == 0])
  first <- as.integer(q1 >= q0)
  a <- y[s & arm == first]
  m <- mean(y[s & arm != first])
  share <- min(q1, q0) / max(q1, q0)
  dn <- mean(a[a <= quantile(a, share)])
  up <- mean(a[a >= quantile(a, 1 - share)])
  ends <- if (q1 >= q0) c(dn, up) - m else m - c(up, dn)
  c(ends, length(y) * min(q1, q0))
}

average <- function(cells) colSums(cells[, 1:2, drop = FALSE] * cells[, 3]) / sum(cells[, 3])

lee <- function(d, w, cell) {
  average(t(sapply(split(seq_len(nrow(d)), cell), function(i) cell_fractional(d$y[i], d$arm[i], w[i]))))
}

lee_quantile <- function(d, cell) {
  average(t(sapply(split(seq_len(nrow(d)), cell), function(i) cell_quantile(d$y[i], d$arm[i]))))
}

moved <- function(n, f, step = 1e-4) {
  t(sapply(seq_len(n), function(i) {
    w <- rep(1, n)
    w[i] <- 1 + step
    up <- f(w)
    w[i] <- 1 - step
    (up - f(w)) / (2 * step)
  }))
}

errors <- function(d, psi, cluster) {
  if (is.null(cluster)) {
    n <- tapply(!is.na(d$y), d$arm, sum)
    f <- (n / (n - 1))[as.character(d$arm)]
    return(unname(sqrt(colSums(psi^2 * as.numeric(f)))))
  }
  sums <- rowsum(psi, d[[cluster]])
  g <- nrow(sums)
  unname(sqrt(colSums(sums^2) * g / (g - 1)))
}

critical <- function(width, level = .95) {
  uniroot(function(c) pnorm(c + width) - pnorm(-c) - level, qnorm(c(level, (1 + level) / 2)) + c(-1e-9, 1e-9),
          tol = 1e-14)$root
}

one <- function(table, within = character(), cluster = NULL) {
  d <- tables[[table]]
  d <- d[complete.cases(d[, c("arm", within, cluster)]), ]
  cell <- if (length(within)) interaction(d[within], drop = TRUE) else rep("all", nrow(d))
  ends <- lee(d, rep(1, nrow(d)), cell)
  psi <- moved(nrow(d), function(w) lee(d, w, cell))
  se <- errors(d, psi, cluster)
  found <- list(table = table, within = I(within), cluster = cluster, n = nrow(d),
                fractional = unname(ends), quantile = unname(lee_quantile(d, cell)), se = se)
  if (is.null(cluster)) {
    c <- critical((ends[[2]] - ends[[1]]) / max(se))
    found$critical <- c
    found$interval <- unname(c(ends[[1]] - c * se[1], ends[[2]] + c * se[2]))
  }
  found
}

# Lee (2009), proposition 3, written out; the trimmed arm must be the treatment
closed_form <- function(table) {
  d <- tables[[table]]
  a <- sort(d$y[d$arm == 1 & !is.na(d$y)])
  b <- d$y[d$arm == 0 & !is.na(d$y)]
  q1 <- mean(!is.na(d$y[d$arm == 1]))
  q0 <- mean(!is.na(d$y[d$arm == 0]))
  p <- 1 - q0 / q1
  side <- function(y, cut) {
    m <- mean(y)
    var(y) / (length(a) * (1 - p)) + (cut - m)^2 * p / (length(a) * (1 - p)) +
      (cut - m)^2 * ((1 - q1) / length(a) + (1 - q0) / length(b)) + var(b) / length(b)
  }
  k <- quantile(a, c(1 - p, p))
  sqrt(c(side(a[a <= k[1]], k[[1]]), side(a[a >= k[2]], k[[2]])))
}

worst <- function(table, low, high, cluster = NULL) {
  d <- tables[[table]]
  d <- d[complete.cases(d[, c("arm", cluster)]), ]
  each <- function(t, c) {
    d$f <- ifelse(is.na(d$y), ifelse(d$arm == 1, t, c), d$y)
    m <- lm(f ~ arm, d)
    v <- if (is.null(cluster)) vcovHC(m, "HC2") else as.matrix(vcovCR(m, d[[cluster]], "CR2"))
    c(coef(m)[["arm"]], sqrt(v[2, 2]))
  }
  a <- each(low, high)
  b <- each(high, low)
  list(table = table, low = low, high = high, cluster = cluster, ends = c(a[1], b[1]), se = c(a[2], b[2]))
}

# Weights: a model for each arm, stabilised by the share seen, trimmed at the 1st and 99th percentiles
response <- function(d, rhs, w) {
  d$s <- as.integer(!is.na(d$y))
  d$w <- w
  p <- numeric(nrow(d))
  for (a in 0:1) {
    i <- d$arm == a
    m <- suppressWarnings(glm(as.formula(paste("s ~", rhs)), binomial, d[i, ], weights = w,
                              control = glm.control(epsilon = 1e-15, maxit = 100)))
    p[i] <- fitted(m)
  }
  p
}

weights <- function(table, covariates) {
  d <- tables[[table]]
  d <- d[complete.cases(d[, c("arm", covariates)]), ]
  s <- !is.na(d$y)
  p <- response(d, paste(covariates, collapse = "+"), rep(1, nrow(d)))
  w <- ifelse(s, ave(as.numeric(s), d$arm) / p, 0)
  k <- quantile(w[s], c(.01, .99))
  t <- ifelse(s, pmin(pmax(w, k[1]), k[2]), 0)
  ess <- function(x) sum(x)^2 / sum(x^2)
  list(table = table, covariates = I(covariates), n = nrow(d), sum_chance = sum(p), sum_chance2 = sum(p^2),
       effective = c(ess(t), ess(t[d$arm == 1]), ess(t[d$arm == 0])), trimmed = sum(t != w),
       range = range(t[s]), mean = c(mean(t[s & d$arm == 1]), mean(t[s & d$arm == 0])))
}

stacked <- function(covariates) {
  d <- tables$lalonde
  rhs <- paste(covariates, collapse = "+")
  s <- !is.na(d$y)
  difference <- function(w, p) {
    m <- sapply(0:1, function(a) {
      i <- s & d$arm == a
      sum((w / p * d$y)[i]) / sum((w / p)[i])
    })
    m[2] - m[1]
  }
  p <- response(d, rhs, rep(1, nrow(d)))
  psi <- as.numeric(moved(nrow(d), function(w) difference(w, response(d, rhs, w)), 1e-3))
  known <- as.numeric(moved(nrow(d), function(w) difference(w, p), 1e-3))
  list(covariates = I(covariates), estimate = difference(rep(1, nrow(d)), p), ratio = sqrt(sum(psi^2) / sum(known^2)))
}

result <- list(
  r_version = paste(R.version$major, R.version$minor, sep = "."),
  packages = list(sandwich = as.character(packageVersion("sandwich")),
                  clubSandwich = as.character(packageVersion("clubSandwich"))),
  source = "tables of the reference folder: lalonde_attrition.csv (MatchIt), star_attrition.csv (AER)",
  lee = list(lalonde = one("lalonde"), lalonde_cells = one("lalonde", c("married", "nodegree")),
             star = one("star"), star_cells = one("star", c("gender", "lunchk")),
             star_clusters = one("star", cluster = "school")),
  closed_form = list(star = closed_form("star")),
  critical = lapply(c(`0` = 0, `0.25` = .25, `0.5` = .5, `1` = 1, `2.5` = 2.5), critical),
  worst = list(lalonde = worst("lalonde", 0, 70000), star = worst("star", 300, 800),
               star_clusters = worst("star", 300, 800, "school")),
  weights = list(lalonde = weights("lalonde", c("age", "educ", "re75")),
                 star = weights("star", c("gender", "lunchk"))),
  stacked = list(lalonde = stacked(c("age", "educ", "re75"))))
writeLines(jsonlite::toJSON(result, auto_unbox = TRUE, digits = NA, null = "null"), out)
