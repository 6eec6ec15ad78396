# Group tests, effect sizes, tables, correlations, the maximally selected cut: what R gives.
# Run in this folder: Rscript make.R. Writes inputs, results.csv (quantity, value) and versions.csv.
suppressPackageStartupMessages({library(survival); library(coin); library(maxstat)})
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
digits17 <- function(x) ifelse(is.na(x), "NA", sprintf("%.17g", x))
write17 <- function(d, file) {
  for (n in names(d)) if (is.numeric(d[[n]])) d[[n]] <- digits17(d[[n]])
  write.csv(d, file, row.names = FALSE, quote = FALSE)
}
results <- data.frame(quantity = character(), value = numeric())
keep <- function(quantity, value) {
  names <- if (length(value) > 1) paste0(quantity, "[", seq_along(value) - 1, "]") else quantity
  results <<- rbind(results, data.frame(quantity = names, value = as.numeric(value)))
}

# ---- inputs -------------------------------------------------------------------------------
lung <- survival::lung
write17(data.frame(time = lung$time, event = lung$status - 1, age = lung$age, sex = lung$sex,
  ph_ecog = lung$ph.ecog, inst = lung$inst, meal_cal = lung$meal.cal, wt_loss = lung$wt.loss,
  ph_karno = lung$ph.karno), "lung.csv")
write17(data.frame(ozone = airquality$Ozone, wind = airquality$Wind, temp = airquality$Temp,
  month = airquality$Month), "airquality.csv")
set.seed(20240501)
small <- data.frame(value = c(rnorm(17, 0.6), rnorm(24)), group = rep(1:0, c(17, 24)))
write17(small, "small.csv")
large <- data.frame(value = c(exp(rnorm(151, 0.2)), exp(rnorm(1201))), group = rep(1:0, c(151, 1201)),
  stratum = sample(1:12, 1352, replace = TRUE))
large$value[sample(1352, 40)] <- NA
large$value <- ifelse(large$value < 0.4, 0, large$value)   # a pile of zeros, as in expression
write17(large, "large.csv")

# ---- Wilcoxon rank sum; the root search of R is tightened ----------------------------------
delong <- function(x, y, level = 0.95) {
  psi <- outer(x, y, function(a, b) (a > b) + (a == b) / 2)
  auc <- mean(psi)
  v <- var(rowMeans(psi)) / length(x) + var(colMeans(psi)) / length(y)
  half <- qnorm(1 - (1 - level) / 2) * sqrt(v) / (auc * (1 - auc))
  c(auc, plogis(qlogis(auc) + c(-half, half)))
}
rank_sum <- function(name, value, group, exact = NULL) {
  x <- value[group == 1 & !is.na(value)]; y <- value[group == 0 & !is.na(value)]
  w <- suppressWarnings(wilcox.test(x, y, conf.int = TRUE, tol.root = 1e-13, exact = exact))
  keep(paste0(name, ".statistic"), w$statistic)
  keep(paste0(name, ".p"), w$p.value)
  keep(paste0(name, ".shift_ci"), w$conf.int)
  # with an even number of differences R returns any point between the middle two
  keep(paste0(name, ".shift"), median(outer(x, y, `-`)))
  keep(paste0(name, ".auc"), delong(x, y))
  keep(paste0(name, ".n"), c(length(x), length(y)))
}
female <- as.numeric(lung$sex == 2)
for (v in c("age", "meal.cal", "wt.loss", "ph.karno"))
  rank_sum(paste0("wilcoxon.lung.", v), lung[[v]], female)
rank_sum("wilcoxon.small", small$value, small$group)
rank_sum("wilcoxon.large", large$value, large$group)
rank_sum("wilcoxon.normal", small$value, small$group, exact = FALSE)
w <- wilcox.test(large$value[large$group == 1], large$value[large$group == 0], conf.int = TRUE,
  tol.root = 1e-13)
keep("wilcoxon.large.shift_by_R", w$estimate)

# ---- van Elteren: ranks within strata over (N + 1), conditional variance by coin ------------
van_elteren <- function(name, value, group, stratum) {
  d <- data.frame(v = value, g = group, s = stratum)
  d <- d[complete.cases(d), ]
  d <- d[ave(d$g, d$s, FUN = min) < ave(d$g, d$s, FUN = max), ]   # one arm only: says nothing
  d$r <- ave(d$v, d$s, FUN = function(v) rank(v) / (length(v) + 1))
  t <- independence_test(r ~ factor(g, levels = c(1, 0)) | factor(s), data = d, teststat = "scalar")
  keep(paste0(name, ".z"), statistic(t))
  keep(paste0(name, ".p"), pvalue(t))
  u <- sapply(split(d, d$s), function(b) {
    x <- b$v[b$g == 1]; y <- b$v[b$g == 0]; m <- length(x); n <- length(y)
    if (!m || !n) return(c(NA, 0, 0))
    psi <- outer(x, y, function(a, b) (a > b) + (a == b) / 2)
    ties <- table(b$v); N <- m + n
    v <- if (min(m, n) > 1) var(rowMeans(psi)) / m + var(colMeans(psi)) / n else
      m * n / 12 * (N + 1 - sum(ties^3 - ties) / (N * (N - 1))) / (m * n)^2
    c(mean(psi), m * n / (N + 1), v)
  })
  use <- u[2, ] > 0
  w <- u[2, use] / sum(u[2, use]); auc <- sum(w * u[1, use]); se <- sqrt(sum(w^2 * u[3, use]))
  half <- qnorm(0.975) * se / (auc * (1 - auc))
  keep(paste0(name, ".auc"), c(auc, plogis(qlogis(auc) + c(-half, half))))
}
van_elteren("van_elteren.lung.wt.loss", lung$wt.loss, female, lung$ph.ecog)
van_elteren("van_elteren.lung.age", lung$age, female, lung$inst)
van_elteren("van_elteren.large", large$value, large$group, large$stratum)

# ---- Newcombe's method 5 under complete separation ------------------------------------------
newcombe <- function(t, m, n) sqrt(t * (1 - t) / (m * n) *
  (1 + ((m + n) / 2 - 1) * ((1 - t) / (2 - t) + t / (1 + t))))
keep("newcombe.separated.lower", uniroot(function(t) (1 - t) - qnorm(0.975) * newcombe(t, 6, 9),
  c(1e-6, 1 - 1e-9), tol = 1e-14)$root)

# ---- Kruskal-Wallis ------------------------------------------------------------------------
k <- kruskal.test(Ozone ~ Month, data = airquality)
keep("kruskal.ozone", c(k$statistic, k$parameter, k$p.value))
k <- kruskal.test(wt.loss ~ ph.ecog, data = lung)
keep("kruskal.wt.loss", c(k$statistic, k$parameter, k$p.value))

# ---- Tables --------------------------------------------------------------------------------
a <- matrix(c(12, 5, 7, 9), 2, byrow = TRUE); b <- matrix(c(3, 14, 5, 8, 9, 2, 6, 7, 10), 3)
for (correct in c(TRUE, FALSE)) {
  x <- suppressWarnings(chisq.test(a, correct = correct))
  keep(paste0("chi_squared.2x2.", correct), c(x$statistic, x$p.value))
}
near <- matrix(c(10, 10, 11, 10), 2, byrow = TRUE)     # |observed - expected| < 1/2
x <- chisq.test(near); keep("chi_squared.near", c(x$statistic, x$p.value))
x <- suppressWarnings(chisq.test(b)); keep("chi_squared.3x3", c(x$statistic, x$p.value))
exact_odds <- function(t, level = 0.95) {              # fisher.test's equations, solved to the end
  m <- sum(t[, 1]); n <- sum(t[, 2]); k <- sum(t[1, ]); q <- t[1, 1]
  s <- max(0, k - n):min(k, m); l <- dhyper(s, m, n, k, log = TRUE)
  d <- function(b) { e <- l + b * s; e <- exp(e - max(e)); e / sum(e) }
  root <- function(f) exp(uniroot(f, c(-40, 40), tol = 1e-15, maxiter = 5000)$root)
  alpha <- (1 - level) / 2
  c(if (q == min(s)) 0 else if (q == max(s)) Inf else root(function(b) sum(s * d(b)) - q),
    if (q == min(s)) 0 else root(function(b) sum(d(b)[s >= q]) - alpha),
    if (q == max(s)) Inf else root(function(b) sum(d(b)[s <= q]) - alpha))
}
tables <- list(tea = matrix(c(3, 1, 1, 3), 2), strong = matrix(c(10, 2, 3, 15), 2, byrow = TRUE),
  large = matrix(c(61, 1549, 30, 412), 2, byrow = TRUE), zero = matrix(c(0, 5, 6, 9), 2, byrow = TRUE))
for (n in names(tables)) {
  f <- fisher.test(tables[[n]])
  keep(paste0("fisher.", n, ".p"), f$p.value)
  keep(paste0("fisher.", n, ".odds"), exact_odds(tables[[n]]))
  keep(paste0("fisher.", n, ".odds_by_R"), f$estimate)
}
keep("fisher.2x3.p", fisher.test(matrix(c(8, 10, 5, 12, 12, 3), 2, byrow = TRUE))$p.value)
keep("fisher.3x4.p", fisher.test(rbind(c(3, 4, 5, 1), c(2, 8, 1, 6), c(6, 2, 2, 3)))$p.value)
keep("fisher.4x4.p", fisher.test(rbind(c(1, 2, 1, 0), c(3, 3, 6, 1), c(1, 0, 4, 5), c(2, 3, 1, 6)))$p.value)
ucb <- aperm(UCBAdmissions, c(2, 1, 3))
for (correct in c(TRUE, FALSE)) {
  x <- mantelhaen.test(ucb, correct = correct)
  keep(paste0("mantel_haenszel.ucb.", correct), c(x$estimate, x$conf.int, x$statistic, x$p.value))
}
write17(as.data.frame(matrix(aperm(ucb, c(2, 1, 3)), ncol = 4, byrow = TRUE)), "ucb.csv")
bounds <- sapply(list(c(0, 7), c(3, 8), c(7, 7), c(61, 1610), c(323, 10953)),
  function(p) binom.test(p[1], p[2])$conf.int)
keep("binomial.lower", bounds[1, ]); keep("binomial.upper", bounds[2, ])

# ---- Many tests, correlations --------------------------------------------------------------
p <- c(0.01, 0.8, NA, 0.03, 0.03, 0.5, 0.0004, 1)
for (m in c("BH", "holm", "bonferroni")) keep(paste0("adjust.", m), p.adjust(p, m))
spearman <- function(name, x, y) {
  ok <- complete.cases(x, y); n <- sum(ok)
  t <- cor.test(x[ok], y[ok], method = "spearman", exact = FALSE)
  half <- qnorm(0.975) * sqrt((1 + t$estimate^2 / 2) / (n - 3))
  keep(name, c(t$estimate, tanh(atanh(t$estimate) - half), tanh(atanh(t$estimate) + half), t$p.value))
}
spearman("spearman.ozone.wind", airquality$Ozone, airquality$Wind)
spearman("spearman.lung", lung$wt.loss, lung$meal.cal)
d <- airquality[complete.cases(airquality[, c("Ozone", "Wind", "Temp", "Month")]), ]
partial <- function(name, fixed) {
  r <- as.data.frame(lapply(d[, c("Ozone", "Wind", fixed)], rank)); k <- length(fixed)
  a <- resid(lm(reformulate(fixed, "Ozone"), r)); b <- resid(lm(reformulate(fixed, "Wind"), r))
  rho <- cor(a, b); n <- nrow(r); half <- qnorm(0.975) * sqrt((1 + rho^2 / 2) / (n - 3 - k))
  tt <- rho * sqrt((n - 2 - k) / (1 - rho^2))
  keep(name, c(rho, tanh(atanh(rho) - half), tanh(atanh(rho) + half), 2 * pt(-abs(tt), n - 2 - k)))
}
partial("partial.temp", "Temp"); partial("partial.temp.month", c("Temp", "Month"))

# ---- Maximally selected log-rank statistic --------------------------------------------------
cut <- function(name, data, ...) {
  for (m in c("Lau92", "Lau94")) {
    t <- maxstat.test(Surv(time, event) ~ x, data = data, smethod = "LogRank", pmethod = m, ...)
    keep(paste0(name, ".", m), min(1, t$p.value))      # Lau94 is a bound, and may pass 1
  }
  keep(paste0(name, ".statistic"), t$statistic); keep(paste0(name, ".cut"), t$estimate)
  keep(paste0(name, ".statistics"), t$stats)
}
age <- data.frame(time = lung$time, event = lung$status - 1, x = lung$age)
cut("maxstat.age", age)
cut("maxstat.age.middle", age, minprop = 0.25, maxprop = 0.75)
months <- transform(age, time = floor(time / 30.4375), x = lung$meal.cal)
cut("maxstat.months", months[!is.na(months$x), ])
set.seed(1)
keep("maxstat.age.permutation", maxstat.test(Surv(time, event) ~ x, data = age, smethod = "LogRank",
  pmethod = "condMC", B = 200000)$p.value)

write17(results, "results.csv")
packages <- c("survival", "coin", "maxstat", "exactRankTests")
write.csv(data.frame(package = c("R", packages),
  version = c(as.character(getRversion()), sapply(packages, function(p) as.character(packageVersion(p))))),
  "versions.csv", row.names = FALSE, quote = FALSE)
