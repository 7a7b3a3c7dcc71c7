# Golden values for chained equations: what mice draws on average, over many imputations.
# Tables made here, and boys and nhanes as published with mice.
# Rscript tests/golden/r/imputing.R DATA_FOLDER OUT.json

args <- commandArgs(trailingOnly = TRUE)
folder <- args[1]
out <- if (length(args) > 1) args[2] else "tests/golden/imputing.json"
suppressMessages({library(mice); library(jsonlite)})
m <- 400
boys <- read.csv(file.path(folder, "boys.csv"), na.strings = "")
nhanes <- read.csv(file.path(folder, "nhanes.csv"))
boys <- boys[seq(1, nrow(boys), by = 2), ]
set.seed(11)
n <- 300
x <- rnorm(n); z <- rnorm(n)
lin <- 0.8 * x - 0.5 * z
made <- data.frame(x = round(x, 3), z = round(z, 3),
  yes = c("no", "yes")[1 + (runif(n) < plogis(lin))],
  kind = c("a", "b", "c")[1 + apply(sapply(1:n, function(i) {
    p <- exp(c(0, 0.4 + x[i], -0.2 + z[i])); p <- p / sum(p); rmultinom(1, 1, p) }), 2, which.max) - 1],
  grade = cut(lin + rlogis(n), c(-Inf, -1, 0.2, 1.5, Inf), labels = paste0("g", 1:4)))
for (v in c("yes", "kind", "grade")) {
  gone <- runif(n) < plogis(-1 + 0.8 * made$x)
  made[[v]][gone] <- NA
}

# mean and SD over imputations of each number
over <- function(values) {
  s <- do.call(rbind, values)
  list(mean = as.list(colMeans(s)), sd = as.list(apply(s, 2, sd)))
}
numbers <- function(d, variables, pairs, method, maxit) {
  i <- mice(d, m = m, maxit = maxit, method = method, seed = 1, printFlag = FALSE)
  gone <- is.na(d)
  over(lapply(seq_len(m), function(k) {
    full <- complete(i, k)
    unlist(c(
      lapply(setNames(variables, paste0("mean.", variables)), function(v) mean(full[gone[, v], v])),
      lapply(setNames(variables, paste0("sd.", variables)), function(v) sd(full[gone[, v], v])),
      lapply(setNames(pairs, sapply(pairs, function(p) paste0("cor.", p[1], ".", p[2]))),
             function(p) cor(full[, p[1]], full[, p[2]]))))
  }))
}
boys_pairs <- list(c("age", "tv"), c("hgt", "hc"), c("bmi", "tv"), c("wgt", "hc"))
nhanes_pairs <- list(c("age", "chl"), c("bmi", "chl"), c("age", "hyp"))
few <- c("age", "hgt", "wgt", "bmi", "hc", "tv")
shares <- function(d, maxit) {
  categories <- lapply(d, function(v) if (is.character(v)) factor(v) else if (is.factor(v)) ordered(v, levels(v)) else v)
  f <- as.data.frame(categories)
  i <- mice(f, m = m, maxit = maxit, seed = 1, printFlag = FALSE)
  gone <- is.na(d)
  found <- over(lapply(seq_len(m), function(k) {
    full <- complete(i, k)
    unlist(lapply(setNames(c("yes", "kind", "grade"), c("yes", "kind", "grade")), function(v) {
      c(table(full[gone[, v], v]) / sum(gone[, v]),
        slope = mean(full$x[gone[, v] & full[[v]] == levels(f[[v]])[nlevels(f[[v]])]])) }))
  }))
  c(found, list(methods = as.list(i$method[i$method != ""])))
}
result <- list(
  r_version = paste(R.version$major, R.version$minor, sep = "."),
  packages = list(mice = as.character(packageVersion("mice"))), source = "tests/golden/r/imputing.R", m = m,
  boys_pmm = c(list(data = boys[few], iterations = 10),
               numbers(boys[few], c("hgt", "hc", "tv"), boys_pairs, "pmm", 10)),
  nhanes_norm = c(list(data = nhanes, iterations = 20),
                  numbers(nhanes, c("bmi", "hyp", "chl"), nhanes_pairs, "norm", 20)),
  nhanes_pmm = c(list(data = nhanes, iterations = 20),
                 numbers(nhanes, c("bmi", "hyp", "chl"), nhanes_pairs, "pmm", 20)),
  categories = c(list(data = made, iterations = 5), shares(made, 5)))
write(toJSON(result, digits = 10, auto_unbox = TRUE, na = "null", dataframe = "columns"), out)
