# Allocation derived again from the documented rule, with R's own SHA-256 (package digest); writes
# allocation.json. Run from tests/golden: Rscript r/allocation.R
suppressMessages({library(digest); library(jsonlite)})
key <- function(...) digest(paste(..., sep = "|"), algo = "sha256", serialize = FALSE)
modulo <- function(hex, m) {                       # digit by digit: no big integers needed
  r <- 0
  for (x in strtoi(strsplit(hex, "")[[1]], 16L)) r <- (16 * r + x) %% m
  r
}
unit <- function(hex) {                            # 13 hexadecimal digits fit a double exactly
  sum(strtoi(strsplit(substr(hex, 1, 13), "")[[1]], 16L) * 16^(12:0)) / 16^13
}
blocks <- function(strata, arms, ratio, sizes, seed) {
  queue <- list(); number <- list(); out <- character(0)
  for (s in strata) {
    if (!length(queue[[s]])) {
      b <- if (is.null(number[[s]])) 1 else number[[s]] + 1
      number[[s]] <- b
      size <- sizes[modulo(key(seed, s, b, "size"), length(sizes)) + 1]
      labels <- rep(arms, ratio * size / sum(ratio))
      keys <- sapply(seq_along(labels) - 1, function(i) key(seed, s, b, i))
      queue[[s]] <- labels[order(keys, method = "radix")]
    }
    out <- c(out, queue[[s]][1]); queue[[s]] <- queue[[s]][-1]
  }
  out
}
simple <- function(strata, arms, ratio, seed) {
  place <- ave(seq_along(strata), strata, FUN = seq_along) - 1
  sapply(seq_along(strata), function(i) {
    u <- unit(key(seed, strata[i], "simple", place[i]))
    arms[findInterval(u, cumsum(ratio) / sum(ratio)) + 1]
  })
}
minimise <- function(factors, arms, ratio, seed, p, spread) {
  given <- integer(0)
  for (i in seq_len(nrow(factors))) {
    u <- unit(key(seed, "all", "minimise", i - 1))
    lack <- sapply(seq_along(arms), function(a) sum(sapply(names(factors), function(f) {
      same <- factors[[f]][seq_along(given)] == factors[[f]][i]
      n <- sapply(seq_along(arms), function(k) sum(given[same] == k)); n[a] <- n[a] + 1
      spread(n / ratio)
    })))
    if (i == 1) lack[] <- 0
    best <- lack <= min(lack) + 1e-9
    chance <- if (all(best)) ratio / sum(ratio) else
      ifelse(best, p * ratio / sum(ratio[best]), (1 - p) * ratio / sum(ratio[!best]))
    given <- c(given, findInterval(u, cumsum(chance)[-length(arms)]) + 1)
  }
  arms[given]
}
site <- rep(c("a", "b", "a", "c"), 15); risk <- rep(c("high", "low", "low"), 20)
f <- data.frame(site, risk); ABC <- c("A", "B", "C")
write_json(list(r_version = as.character(getRversion()),
  packages = list(digest = as.character(packageVersion("digest"))),
  site = site, risk = risk,
  blocks = blocks(paste(site, risk, sep = "/"), c("treatment", "comparison"), c(1, 1), c(4, 6), "s1"),
  blocks_none = blocks(rep("all", 60), ABC, c(2, 1, 1), c(4, 8), "20240601"),
  simple = simple(site, ABC, c(2, 1, 1), "s2"),
  minimise = minimise(f, c("treatment", "comparison"), c(1, 1), "s3", .8,
    function(x) max(x) - min(x)),
  minimise_sd = minimise(f, ABC, c(2, 1, 1), "s4", .9, sd),
  minimise_variance = minimise(f, ABC, c(1, 1, 1), "s5", .85, var)),
  "allocation.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
