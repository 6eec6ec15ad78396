# The hazard ratio from observed and expected events: Rscript make.R, in this folder.
# Reads ../survival/inputs; writes results.csv (case, hazard_ratio, ci_lower, ci_upper, log_ratio,
# std_error; 17 digits) and versions.csv. The interval has the standard error
# sqrt(1/E1 + 1/E0) of the log ratio (Berry, Kitchin and Mock 1991).
suppressMessages(library(survival))
cohort <- read.csv("../survival/inputs/cohort.csv")
lung1 <- read.csv("../survival/inputs/lung1.csv")
aml1 <- read.csv("../survival/inputs/aml1.csv")
sums <- function(m) if (is.matrix(m)) rowSums(m) else m
rows <- list()
oe <- function(case, fit, levels, one, zero, level = 0.95) {
  o <- setNames(sums(fit$obs), levels); e <- setNames(sums(fit$exp), levels)
  log_ratio <- log((o[[one]] / e[[one]]) / (o[[zero]] / e[[zero]]))
  se <- sqrt(1 / e[[one]] + 1 / e[[zero]]); z <- qnorm(0.5 + level / 2)
  v <- c(exp(log_ratio), exp(log_ratio - z * se), exp(log_ratio + z * se), log_ratio, se)
  rows[[length(rows) + 1]] <<- data.frame(case, t(sprintf("%.17g", v)))
}
oe("aml", survdiff(Surv(time, event) ~ group, aml1), sort(unique(aml1$group)),
   "Nonmaintained", "Maintained")
oe("lung", survdiff(Surv(time, event) ~ sex, lung1), c("1", "2"), "2", "1")
oe("lung strata", survdiff(Surv(time, event) ~ sex + strata(inst), lung1), c("1", "2"), "2", "1")
oe("lung 0.9", survdiff(Surv(time, event) ~ sex, lung1), c("1", "2"), "2", "1", 0.9)
order <- c("CTLA4", "Combo", "PD-1")
cohort$group <- factor(cohort$group, order)
oe("cohort", survdiff(Surv(time, event) ~ group, cohort), order, "PD-1", "CTLA4")
oe("cohort strata", survdiff(Surv(time, event) ~ group + strata(stratum), cohort), order,
   "Combo", "CTLA4")
names <- c("case", "hazard_ratio", "ci_lower", "ci_upper", "log_ratio", "std_error")
write.csv(setNames(do.call(rbind, rows), names), "results.csv", row.names = FALSE, quote = FALSE)
write.csv(data.frame(what = c("R", "survival"), version = c(
  paste(R.version$major, R.version$minor, sep = "."), as.character(packageVersion("survival")))),
  "versions.csv", row.names = FALSE, quote = FALSE)
