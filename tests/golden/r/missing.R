# Golden values for patterns of missing values (mice), Little's test (a direct search of the normal
# likelihood), models of response (glm, clubSandwich) and stayers and leavers. Tables made here, and R's airquality (New York, 1973).
# Rscript tests/golden/r/missing.R OUT.json

args <- commandArgs(trailingOnly = TRUE)
out <- if (length(args) > 0) args[1] else "tests/golden/missing.json"

# four columns, some missing by the first (which is complete), some at random
made <- function(seed, n, p, origin = 0) {
  set.seed(seed)
  z <- matrix(rnorm(n * p), n) %*% chol(.5^abs(outer(1:p, 1:p, "-")))
  d <- as.data.frame(round(origin + 10 * z, 2)); names(d) <- paste0("x", 1:p)
  for (j in 2:p) d[runif(n) < plogis(-1.2 + .08 * (d$x1 - origin) * (j %% 2)), j] <- NA
  d
}
# Little's statistic: maximise the observed likelihood over the mean and the Cholesky factor
little <- function(d) {
  x <- scale(as.matrix(d)); p <- ncol(x); seen <- !is.na(x)
  key <- apply(seen, 1, function(r) paste(as.integer(r), collapse = ""))
  unpack <- function(v) { l <- matrix(0, p, p); l[lower.tri(l, TRUE)] <- v[-(1:p)]; diag(l) <- exp(diag(l)); list(m = v[1:p], s = l %*% t(l)) }
  minus <- function(v) { q <- unpack(v)
    if (any(!is.finite(q$s)) || rcond(q$s) < 1e-10) return(1e10)
    sum(sapply(split(seq_len(nrow(x)), key), function(i) { o <- seen[i[1], ]; s <- q$s[o, o, drop = FALSE]
      e <- sweep(x[i, o, drop = FALSE], 2, q$m[o]); .5 * (length(i) * log(det(s)) + sum((e %*% solve(s)) * e)) })) }
  v <- c(rep(0, p), diag(0, p)[lower.tri(diag(p), TRUE)])
  for (round in 1:6) v <- optim(v, minus, method = "BFGS", control = list(maxit = 2000, reltol = 1e-16, ndeps = rep(1e-5, length(v))))$par
  v <- nlm(minus, v, gradtol = 1e-10, steptol = 1e-12, iterlim = 500)$estimate
  q <- unpack(v)
  parts <- sapply(split(seq_len(nrow(x)), key), function(i) { o <- seen[i[1], ]
    g <- colMeans(x[i, o, drop = FALSE]) - q$m[o]; c(length(i) * sum(g * solve(q$s[o, o, drop = FALSE], g)), sum(o)) })
  df <- sum(parts[2, ]) - p
  list(statistic = sum(parts[1, ]), df = df, p_value = pchisq(sum(parts[1, ]), df, lower.tail = FALSE), patterns = ncol(parts),
       means = unname(attr(x, "scaled:center") + attr(x, "scaled:scale") * q$m))
}
patterns <- function(d) {
  m <- mice::md.pattern(d, plot = FALSE); body <- m[-nrow(m), names(d), drop = FALSE]; pairs <- mice::md.pairs(d)
  flat <- function(k) unname(pairs[[k]][cbind(combn(ncol(d), 2)[1, ], combn(ncol(d), 2)[2, ])])
  list(pattern = apply(body, 1, paste, collapse = ""), n = as.integer(rownames(m)[-nrow(m)]), flux = as.list(mice::flux(d)),
       both = flat("rr"), first_only = flat("rm"), second_only = flat("mr"), neither = flat("mm"))
}
tables <- list(three = made(1, 60, 3), five = made(2, 200, 5, 50), four = made(3, 120, 4))
values <- lapply(tables, function(d) list(data = as.list(d), patterns = patterns(d), little = little(d)))
values$airquality <- list(data = as.list(airquality), patterns = patterns(airquality), little = little(airquality))

# response by arm: clusters of four, who is observed depends on age and area, differently by arm
set.seed(11)
n <- 240; site <- rep(1:40, each = 6); arm <- rep(rep(0:1, 20), each = 6); u <- rnorm(40, 0, .6)
d <- data.frame(site = site, arm = arm, age = round(rnorm(n, 35, 9)), area = sample(c("city", "rural", "town"), n, TRUE))
d$observed <- rbinom(n, 1, plogis(.6 + u[site] + .03 * (d$age - 35) * (1 - 2 * arm) + .5 * (d$area == "town")))
d$score <- round(rnorm(n, 20 + .2 * d$age, 5), 1); d$score[c(3, 50, 51, 200)] <- NA
f <- glm(observed ~ arm * (age + area), data = d, family = binomial, control = glm.control(epsilon = 1e-14))
lr <- function(...) { g <- update(f, ...); c(statistic = deviance(g) - deviance(f), df = df.residual(g) - df.residual(f)) }
cr2 <- clubSandwich::vcovCR(f, cluster = d$site, type = "CR2")
names <- names(coef(f)); products <- grep(":", names)
htz <- function(places) { w <- clubSandwich::Wald_test(f, clubSandwich::constrain_zero(places), vcov = cr2, test = "HTZ"); as.list(w[, c("Fstat", "df_num", "df_denom", "p_val")]) }
ct <- clubSandwich::linear_contrast(f, cr2, contrasts = rbind(age_c = as.numeric(names == "age"), age_t = as.numeric(names %in% c("age", "arm:age")),
      age_r = as.numeric(names == "arm:age"), town_c = as.numeric(names == "areatown"), town_t = as.numeric(names %in% c("areatown", "arm:areatown")), town_r = as.numeric(names == "arm:areatown")), test = "Satterthwaite")
plain <- function(c) { v <- sum(c * coef(f)); c(v, sqrt(drop(c %*% vcov(f) %*% c))) }
response <- list(data = as.list(d), coef = as.list(coef(f)), se = as.list(sqrt(diag(vcov(f)))), treated_age = plain(as.numeric(names %in% c("age", "arm:age"))),
  lr = list(differential = as.list(lr(. ~ arm + age + area)), by_covariates = as.list(lr(. ~ arm)), by_arm = as.list(lr(. ~ age + area))),
  cr2 = as.list(as.data.frame(ct)), htz = list(differential = htz(products), by_covariates = htz(which(names %in% c("age", "arearural", "areatown") | grepl(":", names))),
  by_arm = htz(c(which(names == "arm"), products))))  # the same hypothesis wherever covariates are centred

ate <- function(x, binary = FALSE) { ok <- !is.na(x); v <- function(a) { y <- x[ok & d$arm == a]; if (binary) mean(y) * (1 - mean(y)) else var(y) }; sqrt((v(1) + v(0)) / 2) }
side <- function(x, a, b, sd) { a <- a & !is.na(x); b <- b & !is.na(x); c(mean(x[a]), mean(x[b]), (mean(x[a]) - mean(x[b])) / sd, sum(a), sum(b)) }
gaps <- function(x, binary = FALSE) { o <- d$observed == 1; t <- d$arm == 1; s <- ate(x, binary)
  list(sd = s, rows = rbind(side(x, o & t, !o & t, s), side(x, o & !t, !o & !t, s), side(x, t, !t, s), side(x, o & t, o & !t, s), side(x, !o & t, !o & !t, s))) }
stayers <- list(score = gaps(d$score), town = gaps(as.numeric(d$area == "town"), TRUE))

made <- list(r_version = paste(R.version$major, R.version$minor, sep = "."), source = "tests/golden/r/missing.R",
             packages = list(mice = as.character(packageVersion("mice")), clubSandwich = as.character(packageVersion("clubSandwich"))),
             tables = values, response = response, stayers = stayers)
writeLines(jsonlite::toJSON(made, digits = NA, auto_unbox = TRUE, matrix = "rowmajor", na = "null"), out)
