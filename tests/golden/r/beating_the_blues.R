# Golden values for Beating the Blues: Proudfoot et al. (2003), Psychological Medicine 33:217-227,
# 100 people as published in R package HSAUR3 (BtheB).
# Rscript tests/golden/r/beating_the_blues.R DATA.csv OUT.json

args <- commandArgs(trailingOnly = TRUE)
path <- if (length(args) > 0) args[1] else "examples/beating-the-blues/beating_the_blues.csv"
out <- if (length(args) > 1) args[2] else "tests/golden/beating_the_blues.json"

d <- read.csv(path, na.strings = "", stringsAsFactors = TRUE)
d$arm <- as.numeric(d$treatment == "BtheB")

residual <- function(f, data) {
  m <- estimatr::lm_robust(f, data = data, se_type = "HC2")
  list(estimate = m$coefficients[["arm"]], std_error = m$std.error[["arm"]], df = m$df[["arm"]],
       p_value = m$p.value[["arm"]], conf_low = m$conf.low[["arm"]],
       conf_high = m$conf.high[["arm"]])
}

satterthwaite <- function(f, data) {
  data <- data[complete.cases(data[, all.vars(f)]), ]
  m <- lm(f, data = data)
  v <- clubSandwich::vcovCR(m, cluster = seq_len(nrow(data)), type = "CR2")
  ct <- clubSandwich::coef_test(m, vcov = v, test = "Satterthwaite")
  ci <- clubSandwich::conf_int(m, vcov = v, test = "Satterthwaite")
  k <- which(names(coef(m)) == "arm")
  list(n = nrow(data), n_treatment = sum(data$arm), estimate = ct$beta[k], std_error = ct$SE[k],
       statistic = ct$tstat[k], df = ct$df_Satt[k], p_value = ct$p_Satt[k],
       conf_low = ci$CI_L[k], conf_high = ci$CI_U[k])
}

hedges <- function(y) {
  arms <- lapply(c(1, 0), function(a) na.omit(d[[y]][d$arm == a]))
  g <- effectsize::hedges_g(arms[[1]], arms[[2]], pooled_sd = TRUE)
  list(g = g$Hedges_g, conf_low = g$CI_low, conf_high = g$CI_high)
}

loss <- function(y) {
  seen <- tapply(!is.na(d[[y]]), d$arm, sum)
  all <- table(d$arm)
  list(randomised_treatment = all[["1"]], observed_treatment = seen[["1"]],
       randomised_comparison = all[["0"]], observed_comparison = seen[["0"]],
       overall = 1 - sum(seen) / sum(all),
       differential = abs((1 - seen[["1"]] / all[["1"]]) - (1 - seen[["0"]] / all[["0"]])))
}

waves <- c("bdi_2m", "bdi_3m", "bdi_5m", "bdi_8m")
values <- lapply(setNames(waves, waves), function(y) {
  adjusted <- as.formula(paste(y, "~ arm + bdi_pre + drug + length"))
  plain <- as.formula(paste(y, "~ arm"))
  list(adjusted = list(residual = residual(adjusted, d), satterthwaite = satterthwaite(adjusted, d)),
       unadjusted = list(residual = residual(plain, d), satterthwaite = satterthwaite(plain, d)),
       hedges_g = hedges(y), attrition = loss(y))
})

packages <- c("estimatr", "clubSandwich", "effectsize", "jsonlite")
versions <- lapply(setNames(packages, packages), function(p) as.character(packageVersion(p)))
result <- list(r_version = as.character(getRversion()), packages = versions,
               source = "Proudfoot et al. (2003), Psychological Medicine 33:217-227; HSAUR3 BtheB",
               model = "outcome ~ arm (BtheB = 1) + bdi_pre + drug + length; unadjusted: ~ arm",
               values = values)
writeLines(jsonlite::toJSON(result, digits = NA, auto_unbox = TRUE, pretty = TRUE), out)
