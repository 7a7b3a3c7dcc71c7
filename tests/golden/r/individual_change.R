# Reliable change by the six indices, written out in base R from the papers' formulas, for the
# methods and cut-offs the shared reference lacks; writes tests/golden/individual_change.json.
# Run from tests/golden: Rscript r/individual_change.R <folder of the shared r/data tables>
suppressMessages(library(jsonlite))
folder <- commandArgs(TRUE)[1]
wide <- function(file, id, time, score, times) {
  d <- read.csv(file.path(folder, file))
  w <- merge(d[d[[time]] == times[1], c(id, score)], d[d[[time]] == times[2], c(id, score)], by = id)
  w <- w[order(w[[id]]), ]
  w <- w[!is.na(w[[2]]) & !is.na(w[[3]]), ]
  list(x = w[[2]], y = w[[3]])
}
tables <- list(
  claus_bdi = list("claus_2020.csv", "id", "time", "bdi", c(1, 4), d = -1, r = .801, r2 = .85, f = c(7.69, 7.52)),
  claus_who = list("claus_2020.csv", "id", "time", "who", c(1, 4), d = 1, r = .85, r2 = .8, f = c(15, 5)),
  hechler = list("hechler_2014.csv", "patient", "measurement", "disability", c(1, 2), d = -1, r = .9, r2 = .87, f = c(15, 8)),
  jacobson_das = list("jacobson_1989.csv", "subject", "time", "das", c("pre", "post"), d = 1, r = .88, r2 = .9, f = c(114.8, 17.8)),
  jacobson_gds = list("jacobson_1989.csv", "subject", "time", "gds", c("pre", "post"), d = -1, r = .95, r2 = .9, f = c(46, 7)),
  anxiety = list("anxiety.csv", "subject", "measurement", "anxiety", c(0, 4), d = -1, r = .8, r2 = .86, f = c(20, 6))
)
cut_from <- function(type, mc, sc, mf, sf, d) switch(type,
  a = mc + d * 2 * sc, b = mf - d * 2 * sf, c = (sc * mf + sf * mc) / (sc + sf))
index <- function(method, x, y, r, r2) {
  m1 <- mean(x); m2 <- mean(y); s1 <- sd(x); s2 <- sd(y); se <- s1 * sqrt(1 - r)
  k <- cor(x, y); q <- function(s) (s^2 - se^2) / s^2
  rdd <- (s1^2 * q(s1) + s2^2 * q(s2) - 2 * s1 * s2 * k) / (s1^2 + s2^2 - 2 * s1 * s2 * k)
  switch(method,
    "jacobson-truax" = (y - x) / sqrt(2 * se^2),
    "gulliksen-lord-novick" = ((y - m1) - r * (x - m1)) / (s1 * sqrt(1 - r^2)),
    "hsu-linn-lord" = ((y - m2) - r * (x - m1)) / (s1 * sqrt(1 - r^2)),
    "edwards-nunnally" = (y - (r * (x - m1) + m1)) / se,
    "nunnally-kotsch" = (y - (r * (x - m1) + m1)) / sqrt(r^2 * s1^2 * (1 - r) + s1^2 * (1 - r2)),
    "hageman-arrindell" = ((y - x) * rdd + (m2 - m1) * (1 - rdd)) / (sqrt(rdd) * sqrt(2 * se^2)))
}
classify <- function(method, type, x, y, t) {
  d <- t$d; rci <- d * index(method, x, y, t$r, t$r2)
  z <- if (method == "hageman-arrindell") 1.65 else qnorm(.975)
  se <- sd(x) * sqrt(1 - t$r); q <- function(s) 1 - se^2 / s^2
  if (method == "hageman-arrindell") {
    cut <- cut_from(type, mean(x), sd(x) * sqrt(q(sd(x))), t$f[1], t$f[2] * sqrt(q(t$f[2])), d)
    cs <- d * (mean(y) + (y - mean(y)) * q(sd(y)) - cut) / (sqrt(q(sd(y))) * se)
    past <- cs > z; back <- cs < -z
  } else {
    cut <- cut_from(type, mean(x), sd(x), t$f[1], t$f[2], d)
    past <- d * y > d * cut; back <- !past
  }
  clinical <- d * x < d * cut
  status <- rep("unchanged", length(x))
  status[rci > z] <- "improved"; status[rci < -z] <- "deteriorated"
  status[rci > z & clinical & past] <- "recovered"
  status[rci < -z & !clinical & back] <- "deteriorated-clinically"
  list(cutoff = cut, status = status, clinical = sum(clinical))
}
methods <- c("jacobson-truax", "gulliksen-lord-novick", "hsu-linn-lord", "edwards-nunnally",
  "nunnally-kotsch", "hageman-arrindell")
cases <- list()
for (name in names(tables)) {
  t <- tables[[name]]; w <- wide(t[[1]], t[[2]], t[[3]], t[[4]], t[[5]])
  for (method in methods) {
    found <- lapply(setNames(nm = c("a", "b", "c")), function(type) classify(method, type, w$x, w$y, t))
    cases[[length(cases) + 1]] <- list(id = paste(name, method, sep = "_"), input_csv = t[[1]],
      columns = list(id = t[[2]], time = t[[3]], score = t[[4]], times = t[[5]]),
      method = method, higher_is_better = t$d == 1, reliability = t$r, reliability_post = t$r2,
      functional = t$f, values = list(n = length(w$x), index = index(method, w$x, w$y, t$r, t$r2),
        cutoffs = lapply(found, `[[`, "cutoff"), clinical = lapply(found, `[[`, "clinical"),
        status = lapply(found, `[[`, "status")))
  }
}
shares <- lapply(list(c(7, 50), c(0, 50), c(50, 50), c(1, 3)), function(k) {
  p <- suppressWarnings(prop.test(k[1], k[2], correct = FALSE, conf.level = .9))
  list(n = k[1], of = k[2], level = .9, limits = as.numeric(p$conf.int))
})
write(toJSON(list(r_version = as.character(getRversion()), cases = cases, wilson = shares),
  auto_unbox = TRUE, digits = NA), "individual_change.json")
