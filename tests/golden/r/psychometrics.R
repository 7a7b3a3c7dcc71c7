# Reference results beyond those of the shared folder; writes tests/golden/psychometrics.json.
# Run from tests/golden: Rscript r/psychometrics.R <folder of the shared r/data tables>
suppressMessages({library(psych); library(lavaan); library(epiR); library(jsonlite)})
folder <- commandArgs(TRUE)[1]
cases <- list()
add <- function(id, call, packages, values, input = NULL, note = "") {
  versions <- lapply(setNames(nm = packages), function(p) as.character(packageVersion(p)))
  cases[[length(cases) + 1]] <<- list(id = id, input_csv = input, r_call = call,
    r_version = as.character(getRversion()), packages = versions, note = note, values = values)
}
read <- function(name) read.csv(file.path(folder, name))

alpha_vals <- function(x) {
  a <- psych::alpha(x, check.keys = FALSE, warnings = FALSE)
  list(raw_alpha = a$total$raw_alpha, std_alpha = a$total$std.alpha, average_r = a$total$average_r,
    feldt = unlist(a$feldt)[c(1, 3)], n = a$item.stats$n, mean = a$item.stats$mean,
    sd = a$item.stats$sd, r_drop = a$item.stats$r.drop, alpha_drop = a$alpha.drop$raw_alpha)
}
omega_vals <- function(x) {
  items <- names(x)
  model <- paste0("f =~ ", paste(paste0("l", seq_along(items), "*", items), collapse = " + "), "\n",
    paste(paste0(items, " ~~ t", seq_along(items), "*", items), collapse = "\n"), "\n",
    "omega := (", paste0("l", seq_along(items), collapse = "+"), ")^2/((",
    paste0("l", seq_along(items), collapse = "+"), ")^2 + ",
    paste0("t", seq_along(items), collapse = "+"), ")\nlogit := log(omega/(1-omega))")
  f <- lavaan::cfa(model, data = x, std.lv = TRUE)
  e <- parameterEstimates(f)
  l <- e$est[e$op == "=~"]; s <- sign(sum(l))
  lo <- e[e$lhs == "logit", ]
  list(loadings = s * l, residual_var = e$est[e$op == "~~" & e$lhs %in% items],
    omega = e$est[e$lhs == "omega"], se = e$se[e$lhs == "omega"],
    logit_limits = c(lo$ci.lower, lo$ci.upper), n = lavInspect(f, "nobs"),
    fit = as.list(fitMeasures(f, c("chisq", "df", "pvalue", "cfi", "rmsea", "srmr"))))
}
bfi <- read("bfi.csv")
hs <- read("holzinger1939.csv")
lsat <- read("lsat6.csv")
scales <- list(
  bfi_conscientious = list("bfi.csv", bfi, paste0("C", 1:5), c("C4", "C5"), 7),
  bfi_extraversion = list("bfi.csv", bfi, paste0("E", 1:5), c("E1", "E2"), 7),
  bfi_neuroticism = list("bfi.csv", bfi, paste0("N", 1:5), character(), 7),
  bfi_openness = list("bfi.csv", bfi, paste0("O", 1:5), c("O2", "O5"), 7),
  bfi_agree = list("bfi.csv", bfi, paste0("A", 1:5), "A1", 7),
  holzinger_visual = list("holzinger1939.csv", hs, paste0("x", 1:3), character(), 0),
  holzinger_textual = list("holzinger1939.csv", hs, paste0("x", 4:6), character(), 0),
  holzinger_speed = list("holzinger1939.csv", hs, paste0("x", 7:9), character(), 0),
  lsat6 = list("lsat6.csv", lsat, paste0("q", 1:5), character(), 1))
for (name in names(scales)) {
  s <- scales[[name]]; x <- s[[2]][, s[[3]]]
  for (item in s[[4]]) x[[item]] <- s[[5]] - x[[item]]
  call <- paste0("x <- d[, c('", paste(s[[3]], collapse = "', '"), "')]; ",
    paste0("x$", s[[4]], " <- ", s[[5]], " - x$", s[[4]], collapse = "; "))
  if (!length(s[[4]])) call <- sub("; x\\$.*", "", call)
  add(paste0("alpha_pairwise_", name), paste0(call, "; psych::alpha(x)"), "psych", c(list(items = s[[3]], reverse = I(s[[4]])), alpha_vals(x)), s[[1]])
  x <- na.omit(x)
  add(paste0("alpha_complete_", name), paste0(call, "; psych::alpha(na.omit(x))"), "psych", c(list(items = s[[3]], reverse = I(s[[4]])), alpha_vals(x)), s[[1]])
  add(paste0("omega_", name), paste0(call, "; x <- na.omit(x); lavaan::cfa(one factor, std.lv = TRUE), omega := (sum l)^2 / ((sum l)^2 + sum t), logit := log(omega / (1 - omega))"),
    "lavaan", c(list(items = s[[3]], reverse = I(s[[4]])), omega_vals(x)), s[[1]])
}

# psych 2.2.9 gives weighted kappas a wrong variance (not that of Fleiss, Cohen and Everitt, nor of
# the delta method), so it is left out.
kappa_vals <- function(a, b) {
  lev <- sort(unique(c(a, b))); k <- length(lev)
  lin <- abs(outer(seq_len(k), seq_len(k), "-"))
  q <- psych::cohen.kappa(cbind(a, b)); l <- psych::cohen.kappa(cbind(a, b), w = 1 - lin / (k - 1))
  list(a = a, b = b, unweighted = q$kappa, unweighted_var = q$var.kappa, unweighted_ci = q$confid[1, c(1, 3)],
    quadratic = q$weighted.kappa,    linear = l$weighted.kappa)
}
r1 <- c(3, 3, 3, 4, 5, 5, 2, 3, 5, 2, 2, 6, 1, 5, 2, 2, 1, 2, 4, 3)
r2 <- c(3, 6, 4, 6, 2, 4, 2, 4, 3, 3, 2, 3, 3, 3, 2, 2, 1, 3, 3, 4)
add("kappa_ratings", "psych::cohen.kappa(cbind(a, b)); psych::cohen.kappa(cbind(a, b), w = 1 - |i - j| / (k - 1))", "psych", kappa_vals(r1, r2))
two <- bfi[complete.cases(bfi[, c("N1", "N2")]), ][1:400, ]
add("kappa_bfi", "the same, of d$N1 and d$N2, first 400 rows that hold both", "psych", kappa_vals(two$N1, two$N2))

binary_vals <- function(both, a_only, b_only, neither) {
  m <- matrix(c(both, b_only, a_only, neither), 2)
  p <- rep(c(1, 1, 0, 0), c(both, a_only, b_only, neither)); r <- rep(c(1, 0, 1, 0), c(both, a_only, b_only, neither))
  k <- psych::cohen.kappa(cbind(p, r)); e <- epi.kappa(m, method = "fleiss")
  x <- mcnemar.test(m, correct = FALSE); b <- binom.test(a_only, a_only + b_only)
  list(counts = c(both, a_only, b_only, neither), kappa = k$kappa, var = k$var.kappa, ci = k$confid[1, c(1, 3)],
    pabak = e$pabak$est, bias = e$bindex$est, prevalence = e$pindex$est,
    mcnemar = unname(x$statistic), mcnemar_p = x$p.value, exact_p = b$p.value,
    odds = b$estimate / (1 - b$estimate), odds_ci = b$conf.int / (1 - b$conf.int))
}
for (cell in list(c(40, 25, 5, 30), c(12, 9, 3, 96), c(3, 2, 7, 15)))
  add(paste0("binary_", paste(cell, collapse = "_")), "psych::cohen.kappa(cbind(a, b)); epiR::epi.kappa(table); mcnemar.test(table, correct = FALSE); binom.test(a_only, a_only + b_only)",
    c("psych", "epiR"), do.call(binary_vals, as.list(cell)))

pairs_vals <- function(a, b) {
  i <- psych::ICC(cbind(a, b), lmer = FALSE)$results
  e <- epi.ccc(a, b, ci = "z-transform"); p <- cor.test(a, b); d <- t.test(a, b, paired = TRUE)
  list(a = a, b = b, icc = i$ICC, lower = i[["lower bound"]], upper = i[["upper bound"]], F = i$F, p = i$p,
    ccc = unlist(e$rho.c), limits = unlist(e$sblalt[c("est", "delta.sd", "lower", "upper")]),
    pearson = c(p$estimate, p$conf.int), difference = unname(c(d$estimate, d$conf.int, d$stderr, d$p.value)))
}
pefr <- list(c(494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427),
  c(512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451))
sleep_pairs <- split(sleep$extra, sleep$group)
sat <- read("sat_act.csv"); sat <- sat[complete.cases(sat), ][1:150, ]
lead <- read("lead_pairs.csv")
for (set in list(list("pefr", pefr[[1]], pefr[[2]], "Bland and Altman (1986)"), list("sleep", sleep_pairs[[1]], sleep_pairs[[2]], "datasets::sleep, extra by group"),
                 list("sat", sat$SATV, sat$SATQ, "psych::sat.act, SATV and SATQ, first 150 complete rows"),
                 list("lead", lead$treated, lead$control, "lead exposure pairs (Rosenbaum)")))
  add(paste0("pairs_", set[[1]]), "psych::ICC(cbind(a, b), lmer = FALSE); epiR::epi.ccc(a, b); cor.test(a, b); t.test(a, b, paired = TRUE)", c("psych", "epiR"), pairs_vals(set[[2]], set[[3]]), note = set[[4]])

icc_vals <- function(x) {
  i <- psych::ICC(x, lmer = FALSE)$results
  list(icc = i$ICC, F = i$F, df1 = i$df1, df2 = i$df2, p = i$p, lower = i[["lower bound"]], upper = i[["upper bound"]])
}
add("icc_sleepstudy", "psych::ICC(matrix(lme4::sleepstudy$Reaction, 18, byrow = TRUE), lmer = FALSE)", "psych",
  icc_vals(matrix(read("sleepstudy.csv")$Reaction, 18, byrow = TRUE)), "sleepstudy.csv")
write(toJSON(cases, digits = NA, auto_unbox = TRUE, pretty = TRUE, null = "null"), "psychometrics.json")
