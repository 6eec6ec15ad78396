# One Cox model per gene: what coxph gives. Run in this folder: Rscript make.R
# Firth's estimate is found by maximising loglik + log(information)/2, both taken from coxph at a
# fixed coefficient (Efron ties), as no package here offers it.
suppressPackageStartupMessages(library(survival))
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
digits17 <- function(x) ifelse(is.na(x), "NA", sprintf("%.17g", x))
write17 <- function(d, file) {
  for (n in names(d)) if (is.numeric(d[[n]])) d[[n]] <- digits17(d[[n]])
  write.csv(d, file, row.names = FALSE, quote = FALSE)
}
set.seed(4711)
n <- 500
patients <- data.frame(stratum = sample(c("lung", "melanoma", "bladder", "renal"), n, TRUE,
  prob = c(.5, .3, .15, .05)), age = round(rnorm(n, 62, 11)), log_tmb = rnorm(n))
genes <- 48
share <- c(rep(0.012, 16), rep(0.05, 16), rep(0.2, 14), 0.55, 0.8)
x <- sapply(share, function(p) rbinom(n, 1, plogis(qlogis(p) + 0.8 * patients$log_tmb)))
hazard <- exp(-0.4 * x[, 20] + 0.5 * x[, 35] - 0.3 * patients$log_tmb + 0.02 * (patients$age - 62))
survival_time <- rexp(n, 0.04 * hazard); censoring <- runif(n, 0, 40)
patients$time <- pmin(survival_time, censoring)
patients$event <- as.numeric(survival_time <= censoring)
patients$months <- floor(patients$time)                    # ties, and zeros
x[, 1] <- as.numeric(seq_len(n) %in% head(which(patients$event == 0), 7))        # no event
x[, 2] <- as.numeric(seq_len(n) %in% head(order(patients$time / patients$event), 8))  # all die first
write17(patients, "patients.csv")
where <- which(x == 1, arr.ind = TRUE)
write.csv(data.frame(patient = where[, 1] - 1, gene = where[, 2] - 1), "mutated.csv",
  row.names = FALSE, quote = FALSE)

tight <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 100)
model <- function(name, right, time, ties = "efron") {
  do.call(rbind, lapply(seq_len(genes), function(g) {
    d <- cbind(patients, t = patients[[time]], g = x[, g])
    null <- c(if (grepl("age", right)) coef(coxph(as.formula(paste("Surv(t, event) ~", right)), d,
      ties = ties, control = tight)), 0)
    formula <- as.formula(paste("Surv(t, event) ~", right, "+ g"))
    f <- suppressWarnings(coxph(formula, d, ties = ties, control = tight))
    s <- suppressWarnings(coxph(formula, d, ties = ties, init = null,
      control = coxph.control(iter.max = 0)))
    k <- length(coef(f))
    data.frame(model = name, gene = g - 1, coef = coef(f)[k], se = sqrt(diag(vcov(f)))[k],
      p_score = pchisq(s$score, 1, lower.tail = FALSE))
  }))
}
results <- rbind(model("plain", "1", "time"), model("months", "1", "months"),
  model("breslow", "1", "months", "breslow"), model("strata", "strata(stratum)", "months"),
  model("adjusted", "age + log_tmb", "months"),
  model("adjusted_strata", "age + log_tmb + strata(stratum)", "months"))
results$coef[abs(results$coef) > 12] <- NA                 # infinite: R stops somewhere
results$se[is.na(results$coef)] <- NA
write17(results, "results.csv")

firth <- function(g, strata) {
  d <- cbind(patients, g = x[, g])
  formula <- if (strata) Surv(months, event) ~ g + strata(stratum) else Surv(months, event) ~ g
  value <- function(b) {
    f <- suppressWarnings(coxph(formula, d, init = b, control = coxph.control(iter.max = 0)))
    f$loglik[2] - log(f$var[1, 1]) / 2
  }
  h <- 2e-3
  slope <- function(b) (value(b - 2 * h) - 8 * value(b - h) + 8 * value(b + h) - value(b + 2 * h)) / (12 * h)
  b <- uniroot(slope, c(-6, 6), tol = 1e-12)$root
  f <- suppressWarnings(coxph(formula, d, init = b, control = coxph.control(iter.max = 0)))
  top <- value(b); drop <- function(v) value(v) - top + qchisq(0.95, 1) / 2
  data.frame(gene = g - 1, strata = as.numeric(strata), coef = b, se = sqrt(f$var[1, 1]),
    lower = uniroot(drop, c(b - 12, b), tol = 1e-12)$root,
    upper = uniroot(drop, c(b, b + 12), tol = 1e-12)$root,
    p = pchisq(2 * (top - value(0)), 1, lower.tail = FALSE))
}
few <- which(colSums(x * patients$event) < 5 & colSums(x) >= 5)
write17(rbind(do.call(rbind, lapply(c(few, 2), firth, FALSE)),
  do.call(rbind, lapply(few, firth, TRUE))), "firth.csv")
write.csv(data.frame(package = c("R", "survival"), version = c(as.character(getRversion()),
  as.character(packageVersion("survival")))), "versions.csv", row.names = FALSE, quote = FALSE)
