# Golden values for panels: CR2 of two-way models and changes (clubSandwich), effects by group and
# period from saturated regressions and from glm and lm fits (stats, sandwich). Made tables.
# Rscript tests/golden/r/panels.R OUT.json

args <- commandArgs(trailingOnly = TRUE)
out <- if (length(args) > 0) args[1] else "tests/golden/panels.json"
suppressMessages({library(clubSandwich); library(sandwich)})

# 60 units in 12 clusters, six periods, starts in 3, 4, 5 or never; weights; some rows lost
set.seed(20)
units <- 60
unit <- data.frame(id = seq_len(units), area = rep(1:12, 5), g = rep(c(0, 3, 4, 5, 0), each = 12),
                   w = round(runif(units, .5, 2), 2), need = round(rnorm(units), 2))
d <- merge(data.frame(id = rep(seq_len(units), each = 6), t = rep(1:6, units)), unit)
d <- d[order(d$id, d$t), ]
level <- rnorm(units)
drift <- rnorm(12, 0, .3)
d$on <- as.integer(d$g > 0 & d$t >= d$g)
d$load <- round(rnorm(nrow(d)) + .3 * d$t, 2)
d$y <- round(level[d$id] + drift[d$area] * d$t + .4 * d$need * d$t + .5 * d$load + d$on * (d$t - d$g + 1) + rnorm(nrow(d)), 3)
holes <- d[sort(sample(nrow(d), 320)), ]

satt <- function(m, v, term) { s <- coef_test(m, vcov = v, test = "Satterthwaite")
  r <- s[rownames(s) == term, ]; list(estimate = r$beta, std_error = r$SE, df = r$df_Satt, p_value = r$p_Satt) }
twoway <- function(d, cluster) { m <- lm(y ~ on + load + factor(id) + factor(t), data = d)
  list(on = satt(m, vcovCR(m, cluster = d[[cluster]], type = "CR2"), "on"),
       load = satt(m, vcovCR(m, cluster = d[[cluster]], type = "CR2"), "load")) }
fixed <- list(full_unit = twoway(d, "id"), full_area = twoway(d, "area"),
              holes_unit = twoway(holes, "id"), holes_area = twoway(holes, "area"))

# two groups, two periods
two <- subset(d, t %in% c(2, 6) & g %in% c(0, 3))
two$arm <- as.integer(two$g == 3)
two$late <- as.integer(two$t == 6)
wide <- merge(subset(two, late == 0), subset(two, late == 1)[c("id", "y")], by = "id", suffixes = c("", "2"))
wide$change <- wide$y2 - wide$y
plain <- lm(change ~ arm, data = wide)
more <- lm(change ~ arm + need + load, data = wide)
rows <- lm(y ~ arm * late + load, data = two)
pairs <- list(plain = satt(plain, vcovCR(plain, cluster = wide$id, type = "CR2"), "arm"),
              adjusted_area = satt(more, vcovCR(more, cluster = wide$area, type = "CR2"), "arm"),
              sections = satt(rows, vcovCR(rows, cluster = seq_len(nrow(two)), type = "CR2"), "arm:late"),
              sections_area = satt(rows, vcovCR(rows, cluster = two$area, type = "CR2"), "arm:late"))

# effects by group and period: saturated regressions, errors by sums over clusters
ones <- function(m, cluster, term) list(estimate = unname(coef(m)[[term]]),
  std_error = sqrt(vcovCL(m, cluster = cluster, type = "HC0", cadjust = FALSE)[term, term]))
others <- function(g, now, base, notyet) if (notyet) unit$g == 0 | (unit$g > max(now, base) & unit$g != g) else unit$g == 0
cells <- expand.grid(now = 2:6, g = 3:5)
cells$base <- ifelse(cells$now >= cells$g, cells$g - 1, cells$now - 1)
each <- function(f) lapply(seq_len(nrow(cells)), function(i) with(cells[i, ], c(list(group = g, period = now), f(g, now, base))))
chosen <- function(data, g, now, base, notyet) {
  x <- data[data$t %in% c(now, base) & data$id %in% unit$id[unit$g == g | others(g, now, base, notyet)], ]
  x$G <- as.integer(x$g == g); x$post <- as.integer(x$t == now); x }
changes <- function(data, g, now, base, notyet) { x <- chosen(data, g, now, base, notyet)
  a <- x[x$post == 0, ]; b <- x[x$post == 1, c("id", "y")]; names(b)[2] <- "y1"
  z <- merge(a, b, by = "id"); z$dy <- z$y1 - z$y; z }
tight <- glm.control(epsilon = 1e-15, maxit = 100)
wm <- function(x, w) sum(x * w) / sum(w)
dr <- function(z) { f <- dy ~ need + load
  p <- fitted(suppressWarnings(glm(G ~ need + load, binomial, data = z, weights = w, control = tight)))
  m <- predict(lm(f, data = z[z$G == 0, ], weights = w), z)
  o <- z$w * (1 - z$G) * p / (1 - p)
  list(doubly_robust = wm((z$dy - m), z$w * z$G) - wm((z$dy - m), o), regression = wm((z$dy - m), z$w * z$G),
       weighting = wm(z$dy, z$w * z$G) - wm(z$dy, o)) }
drs <- function(x) { p <- fitted(suppressWarnings(glm(G ~ need + load, binomial, data = x, weights = w, control = tight)))
  at <- function(G, post) predict(lm(y ~ need + load, data = x[x$G == G & x$post == post, ], weights = w), x)
  c0 <- at(0, 0); c1 <- at(0, 1); t0 <- at(1, 0); t1 <- at(1, 1)
  o <- x$w * (1 - x$G) * p / (1 - p); k <- x$w * x$G; post <- x$post; r <- x$y - ifelse(post == 1, c1, c0)
  list(doubly_robust = wm(r, k * post) - wm(r, k * (1 - post)) - wm(r, o * post) + wm(r, o * (1 - post)) +
         wm(t1 - c1, k) - wm(t1 - c1, k * post) - wm(t0 - c0, k) + wm(t0 - c0, k * (1 - post)),
       regression = wm(x$y, k * post) - wm(x$y, k * (1 - post)) - wm(c1 - c0, k),
       weighting = wm(x$y, k * post) - wm(x$y, k * (1 - post)) - wm(x$y, o * post) + wm(x$y, o * (1 - post))) }
effects <- list(
  full_area = each(function(g, now, base) { z <- changes(d, g, now, base, FALSE)
    ones(lm(dy ~ G, data = z, weights = w), z$area, "G") }),
  pairs_notyet = each(function(g, now, base) { z <- changes(holes, g, now, base, TRUE)
    ones(lm(dy ~ G, data = z, weights = w), z$area, "G") }),
  sections_unit = each(function(g, now, base) { x <- chosen(holes, g, now, base, FALSE)
    ones(lm(y ~ G * post, data = x, weights = w), x$id, "G:post") }),
  adjusted = each(function(g, now, base) dr(changes(d, g, now, base, TRUE))),
  adjusted_sections = each(function(g, now, base) drs(chosen(holes, g, now, base, TRUE))))

v <- function(p) as.character(packageVersion(p))
jsonlite::write_json(list(r_version = paste(R.version$major, R.version$minor, sep = "."),
  packages = list(clubSandwich = v("clubSandwich"), sandwich = v("sandwich")), source = "tests/golden/r/panels.R",
  full = as.list(d), kept = which(paste(d$id, d$t) %in% paste(holes$id, holes$t)) - 1, fixed = fixed, pairs = pairs,
  effects = effects), out, auto_unbox = TRUE, digits = 17)
