# The difference of two hazard ratios whose questions share patients: a Cox model of both questions
# stacked, a baseline for each question and cohort, errors clustered by patient.
# Run in this folder: Rscript make.R. Writes patients.csv, results.csv and versions.csv.
suppressPackageStartupMessages(library(survival))
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
digits17 <- function(x) sprintf("%.17g", x)
set.seed(20260311)
n <- 420
cohort <- sample(c("one", "two", "three"), n, replace = TRUE)
one <- rbinom(n, 1, 0.3)
two <- rbinom(n, 1, ifelse(one == 1, 0.5, 0.25))
kind <- rbinom(n, 1, 0.5)
time <- round(rexp(n, 0.05 * exp(-0.5 * one + 0.3 * two + 0.4 * kind)))
event <- rbinom(n, 1, 0.7)
patients <- data.frame(patient_key = seq_len(n) - 1, cohort_id = cohort, one, two, kind,
  time_months = time, event)
write.csv(patients, "patients.csv", row.names = FALSE, quote = FALSE)

compare <- function(a, b, within) {
  both <- rbind(cbind(a, question = "a"), cbind(b, question = "b"))
  both$xa <- both$x * (both$question == "a")
  both$xb <- both$x * (both$question == "b")
  both$within <- if (within) paste(both$question, both$cohort_id) else both$question
  fit <- coxph(Surv(time_months, event) ~ xa + xb + strata(within), data = both,
    cluster = patient_key, ties = "efron", control = coxph.control(eps = 1e-14, iter.max = 100))
  d <- coef(fit)[["xb"]] - coef(fit)[["xa"]]
  se <- sqrt(sum(vcov(fit) * c(1, -1, -1, 1)))
  c(exp(coef(fit)[["xa"]]), exp(coef(fit)[["xb"]]), exp(d), exp(d - qnorm(0.975) * se),
    exp(d + qnorm(0.975) * se), 2 * pnorm(-abs(d / se)))
}
by <- function(data, variable) cbind(data, x = data[[variable]])
first <- subset(patients, kind == 1)
second <- subset(patients, kind == 0)
cases <- list(
  same_patients = list(by(patients, "one"), by(patients, "two")),
  nested = list(by(first, "one"), by(patients, "one")),
  apart = list(by(first, "one"), by(second, "one")),
  overlapping = list(by(first, "one"), by(subset(patients, cohort != "one"), "two")))
results <- NULL
for (name in names(cases)) for (within in c(FALSE, TRUE)) results <- rbind(results, data.frame(
  case = name, stratified = as.integer(within),
  quantity = c("hazard_ratio_a", "hazard_ratio_b", "ratio", "ci_lower", "ci_upper", "p_value"),
  value = digits17(compare(cases[[name]][[1]], cases[[name]][[2]], within))))
write.csv(results, "results.csv", row.names = FALSE, quote = FALSE)
write.csv(data.frame(what = c("R", "survival"),
  version = c(as.character(getRversion()), as.character(packageVersion("survival")))),
  "versions.csv", row.names = FALSE, quote = FALSE)
