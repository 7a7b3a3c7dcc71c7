# Golden values for complier effects: AER, estimatr, clubSandwich; tables made with a fixed seed.
# Rscript tests/golden/r/complier.R OUT.json

args <- commandArgs(trailingOnly = TRUE)
out <- if (length(args) > 0) args[1] else "tests/golden/complier.json"
suppressMessages({library(AER); library(estimatr); library(clubSandwich)})

made <- function(seed, n, sizes = NULL, pull = 3, back = -1.5, effect = 2, always = TRUE) {
  set.seed(seed)
  group <- if (is.null(sizes)) seq_len(n) else rep(seq_along(sizes), sizes)
  n <- length(group)
  z <- group %% 2
  x <- round(rnorm(n, 30, 8), 1)
  kind <- sample(c("a", "b", "c"), n, replace = TRUE)
  hidden <- rnorm(n)
  d <- as.numeric(back + pull * z + hidden > 0)
  if (!always) d <- d * z
  y <- 10 + effect * d + .2 * x + 1.5 * hidden + rnorm(max(group))[group] + rnorm(n)
  data.frame(y = round(y, 2), z = z, d = d, x = x, kind = kind, group = group)
}

holes <- function(d) { d$y[c(2, 11)] <- NA; d$d[c(5, 11)] <- NA; d$x[20] <- NA; d }
tables <- list(
  one_sided = made(1, 60, always = FALSE),
  two_sided = made(2, 80),
  clusters = made(3, sizes = c(4, 9, 3, 6, 8, 5, 2, 7, 6, 4, 5, 9, 3, 1)),
  weak = made(4, 40, pull = .3, back = 0),
  weak_clusters = made(9, sizes = c(6, 5, 7, 4, 6, 8, 5, 3), pull = .8, back = -.5),
  missing = holes(made(6, 50)))

test <- function(d, rhs, value, level = .95) {
  d$v <- d$y - value * d$d
  m <- lm_robust(as.formula(paste("v ~", rhs)), d, clusters = cluster, se_type = "CR2")
  m$p.value[["z"]] - (1 - level)
}

# Every end of the Anderson-Rubin set, by a search over effects on a wide grid
ends <- function(d, rhs) {
  grid <- sort(c(seq(-60, 60, by = .5), -10^(2:5), 10^(2:5)))
  at <- vapply(grid, function(b) test(d, rhs, b), 0)
  turns <- which(diff(sign(at)) != 0)
  found <- vapply(turns, function(i) {
    uniroot(function(b) test(d, rhs, b), grid[i + 0:1], tol = 1e-13)$root
  }, 0)
  list(ends = I(found), far_low = at[1] > 0, far_high = at[length(at)] > 0)
}

take <- function(m) {
  k <- "d"
  list(estimate = m$coefficients[[k]], std_error = m$std.error[[k]], df = m$df[[k]],
       p_value = m$p.value[[k]], conf_low = m$conf.low[[k]], conf_high = m$conf.high[[k]])
}

run <- function(d, covariates, clustered) {
  d <- d[complete.cases(d[, c("y", "z", "d", if (nchar(covariates)) "x")]), ]
  d$cluster <- if (clustered) d$group else seq_len(nrow(d))
  rhs <- paste0("z", covariates)
  f <- as.formula(paste0("y ~ d", covariates, " | ", rhs))
  m <- AER::ivreg(f, data = d)
  robust <- iv_robust(f, d, clusters = cluster, se_type = "CR2", diagnostics = TRUE)
  ct <- clubSandwich::coef_test(m, vcov = "CR2", cluster = d$cluster, test = "Satterthwaite")
  k <- which(names(coef(m)) == "d")
  plain <- iv_robust(f, d, se_type = "HC2", diagnostics = TRUE)
  first <- lm_robust(as.formula(paste("d ~", rhs)), d, clusters = cluster, se_type = "CR2")
  reduced <- lm_robust(as.formula(paste("y ~", rhs)), d, clusters = cluster, se_type = "CR2")
  list(n = nrow(d), iv_robust_CR2 = take(robust), iv_robust_HC2 = take(plain),
       clubSandwich = list(estimate = ct$beta[k], std_error = ct$SE[k], df = ct$df_Satt[k],
                           p_value = ct$p_Satt[k]),
       first_stage = first$coefficients[["z"]],
       weak_instruments = summary(m, diagnostics = TRUE)$diagnostics["Weak instruments", "statistic"],
       f_robust = (first$coefficients[["z"]] / first$std.error[["z"]])^2,
       f_iv_robust = robust$diagnostic_first_stage_fstatistic[["value"]],
       f_iv_robust_HC2 = plain$diagnostic_first_stage_fstatistic[["value"]],
       assignment_effect = reduced$coefficients[["z"]], assignment_p = reduced$p.value[["z"]],
       anderson_rubin = ends(d, rhs))
}

fits <- list(alone = "", adjusted = " + x", kinds = " + x + kind")
cases <- lapply(setNames(names(tables), names(tables)), function(name) {
  list(data = as.list(tables[[name]]), clustered = grepl("clusters", name),
       fits = lapply(fits, function(f) run(tables[[name]], f, grepl("clusters", name))))
})

packages <- c("AER", "estimatr", "clubSandwich", "jsonlite")
versions <- lapply(setNames(packages, packages), function(p) as.character(packageVersion(p)))
result <- list(r_version = as.character(getRversion()), packages = versions,
               source = "made in the script", cases = cases)
writeLines(jsonlite::toJSON(result, digits = NA, auto_unbox = TRUE, na = "null"), out)
