# Writes inputs/*.csv, outputs.csv (case, quantity, place, value; 17 significant digits) and
# versions.csv beside itself. Run from anywhere: Rscript tests/golden/survival/make.R
suppressPackageStartupMessages({library(survival); library(cmprsk); library(riskRegression)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)[1]))
dir.create(file.path(here, "inputs"), showWarnings = FALSE)
full <- function(x) ifelse(is.na(x), "", formatC(x, digits = 17, format = "g"))
rows <- list()
emit <- function(case, quantity, value) {
  rows[[length(rows) + 1]] <<- data.frame(case, quantity, place = seq_along(value),
                                          value = full(as.numeric(value)))
}
input <- function(name, data) {
  number <- sapply(data, is.double)
  data[number] <- lapply(data[number], full)
  write.csv(data, file.path(here, "inputs", paste0(name, ".csv")), row.names = FALSE,
            quote = FALSE, na = "")
}

# ---- inputs -------------------------------------------------------------------------------
lung1 <- with(lung, data.frame(time = time, event = status - 1, sex, age, inst = inst,
                               ecog = ph.ecog))
lung1 <- lung1[complete.cases(lung1), ]
aml1 <- with(aml, data.frame(time, event = status, group = as.character(x)))
mgus <- with(mgus2, data.frame(time = ifelse(pstat == 0, futime, ptime),
                               status = ifelse(pstat == 1, 1, 2 * death), age))
# A cohort with ties, zero times, entry times, weights, groups, strata and competing events.
RNGkind("Mersenne-Twister", "Inversion", "Rejection"); set.seed(20)
n <- 400
x <- round(rnorm(n), 1)
latent <- rexp(n, 0.05 * exp(0.5 * x)); censor <- runif(n, 0, 48)
cohort <- data.frame(time = floor(pmin(latent, censor) * 2) / 2, event = as.numeric(latent <= censor),
  group = sample(c("Combo", "CTLA4", "PD-1"), n, TRUE), stratum = sample(7, n, TRUE), score = x,
  weight = sample(3, n, TRUE), fraction = round(runif(n, 0.2, 2), 3))
cohort$status <- cohort$event * (1 + (runif(n) < 0.3))
cohort$entry <- pmin(floor(runif(n, 0, 10)), cohort$time - 0.25)
cohort$entry[cohort$time == 0] <- -1
cohort$level <- match(cohort$group, c("CTLA4", "Combo", "PD-1"))
continuous <- data.frame(time = round(pmin(latent, censor), 7), event = cohort$event,
                         score = rnorm(n) + x, group = cohort$group,
                         stratum = cohort$stratum)
continuous$entry <- round(continuous$time * rbeta(n, 1, 3), 7)
for (name in c("lung1", "aml1", "mgus", "cohort", "continuous")) input(name, get(name))

# ---- Kaplan-Meier -------------------------------------------------------------------------
curve <- function(case, fit, probs = c(0.1, 0.25, 0.5, 0.75), times) {
  emit(case, "time", fit$time); emit(case, "survival", fit$surv)
  se <- fit$std.err * fit$surv
  emit(case, "std_error", se)
  emit(case, "at_risk", fit$n.risk); emit(case, "n_events", fit$n.event)
  emit(case, "n_censored", fit$n.censor)
  emit(case, "ci_lower", fit$lower); emit(case, "ci_upper", fit$upper)
  q <- quantile(fit, probs)
  emit(case, "quantile", q$quantile); emit(case, "quantile_lower", q$lower)
  emit(case, "quantile_upper", q$upper)
  printed <- survival:::survmean(fit, rmean = "none")$matrix
  emit(case, "median_printed", printed[c("median", grep("CL$", names(printed), value = TRUE))])
  s <- summary(fit, times = times, extend = TRUE)
  emit(case, "at_survival", s$surv); emit(case, "at_lower", s$lower)
  emit(case, "at_upper", s$upper); emit(case, "at_at_risk", s$n.risk)
  emit(case, "at_events", s$n.event); emit(case, "at_censored", s$n.censor)
}
for (type in c("log-log", "log", "plain")) {
  curve(paste("lung", type), survfit(Surv(time, event) ~ 1, lung1, conf.type = type),
        times = c(0, 100, 365, 500.5, 1022))
  curve(paste("cohort", type), survfit(Surv(time, event) ~ 1, cohort, conf.type = type),
        times = c(0, 0.5, 6, 12, 24.2, 36))
}
curve("cohort level 0.9", survfit(Surv(time, event) ~ 1, cohort, conf.type = "log-log", conf.int = 0.9),
      times = c(0, 12))
curve("aml", survfit(Surv(time, event) ~ 1, aml1, conf.type = "log-log"), times = c(0, 12, 45, 161))
curve("cohort weighted", survfit(Surv(time, event) ~ 1, cohort, weights = weight,
      conf.type = "log-log", robust = FALSE), times = c(0, 6, 12, 24, 36))
curve("cohort fractions", survfit(Surv(time, event) ~ 1, cohort, weights = fraction,
      conf.type = "log-log", robust = FALSE), times = c(0, 6, 12, 24, 36))
delayed <- survfit(Surv(entry, time, event) ~ 1, cohort, conf.type = "log-log")
curve("cohort entry", delayed, times = delayed$time[c(5, 20, 50)])
curve("continuous", survfit(Surv(time, event) ~ 1, continuous, conf.type = "log-log"),
      times = c(0, 6, 12, 24))
reverse <- survfit(Surv(time, 1 - event) ~ 1, cohort, conf.type = "log-log")
emit("follow-up", "median", unlist(quantile(reverse, 0.5)))

# ---- log-rank -----------------------------------------------------------------------------
test <- function(case, fit) {
  emit(case, "chi2", fit$chisq); emit(case, "p_value", fit$pvalue)
  sums <- function(m) if (is.matrix(m)) rowSums(m) else m
  emit(case, "observed", sums(fit$obs)); emit(case, "expected", sums(fit$exp))
  emit(case, "n", fit$n); emit(case, "variance", fit$var)
}
cohort$group <- factor(cohort$group, c("CTLA4", "Combo", "PD-1"))
test("logrank aml", survdiff(Surv(time, event) ~ group, aml1))
test("logrank lung sex", survdiff(Surv(time, event) ~ sex, lung1))
test("logrank lung sex strata", survdiff(Surv(time, event) ~ sex + strata(inst), lung1))
test("logrank cohort", survdiff(Surv(time, event) ~ group, cohort))
test("logrank cohort strata", survdiff(Surv(time, event) ~ group + strata(stratum), cohort))
test("logrank cohort rho 1", survdiff(Surv(time, event) ~ group, cohort, rho = 1))
test("logrank cohort rho 0.5 strata",
     survdiff(Surv(time, event) ~ group + strata(stratum), cohort, rho = 0.5))
# survdiff takes neither entry times nor scores: the score test of a Cox model with exact ties is
# the log-rank test; without ties so is Breslow's, which is quick under left truncation.
score <- function(formula, data = cohort, ties = "exact") coxph(formula, data, ties = ties)$score
emit("logrank trend", "chi2", score(Surv(time, event) ~ level))
emit("logrank trend strata", "chi2", score(Surv(time, event) ~ level + strata(stratum)))
untied <- subset(continuous, entry < time)
stopifnot(!anyDuplicated(untied$time[untied$event == 1]))
emit("logrank entry", "chi2", score(Surv(entry, time, event) ~ group, untied, "breslow"))
emit("logrank entry strata", "chi2", score(Surv(entry, time, event) ~ group + strata(stratum), untied, "breslow"))

# ---- restricted means; contrasts after survRM2's published formula ---------------------------
rm <- function(data, tau) {
  m <- survival:::survmean(survfit(Surv(time, event) ~ 1, data), rmean = tau)$matrix
  m[c("rmean", "se(rmean)")]
}
compare <- function(case, one, zero, tau) {
  a <- rm(one, tau); b <- rm(zero, tau); z <- qnorm(0.975)
  emit(case, "rmst", c(a[1], b[1])); emit(case, "std_error", c(a[2], b[2]))
  d <- a[1] - b[1]; se <- sqrt(a[2]^2 + b[2]^2)
  emit(case, "difference", c(d, se, d - z * se, d + z * se, 2 * pnorm(-abs(d / se))))
  r <- log(a[1] / b[1]); ser <- sqrt(a[2]^2 / a[1]^2 + b[2]^2 / b[1]^2)
  emit(case, "ratio", c(exp(r), ser, exp(r - z * ser), exp(r + z * ser), 2 * pnorm(-abs(r / ser))))
}
compare("rmst lung", subset(lung1, sex == 2), subset(lung1, sex == 1), 365)
compare("rmst cohort", subset(cohort, group == "PD-1"), subset(cohort, group == "CTLA4"), 24)
compare("rmst aml beyond", subset(aml1, group == "Maintained"), subset(aml1, group != "Maintained"), 60)

# ---- landmark -----------------------------------------------------------------------------
late <- subset(cohort, time > 6); late$time <- late$time - 6
test("landmark", survdiff(Surv(time, event) ~ group, late))

# ---- cumulative incidence -------------------------------------------------------------------
incidence <- function(case, data, type) {
  status <- factor(data$status, 0:2, c("censored", "one", "two"))
  fit <- survfit(Surv(data$time, status) ~ 1, conf.type = type)
  for (k in 1:2) {
    name <- paste(case, k)
    emit(name, "time", fit$time); emit(name, "incidence", fit$pstate[, k + 1])
    emit(name, "std_error", fit$std.err[, k + 1])
    emit(name, "ci_lower", fit$lower[, k + 1]); emit(name, "ci_upper", fit$upper[, k + 1])
    emit(name, "at_risk", fit$n.risk[, 1]); emit(name, "free", fit$pstate[, 1])
    at <- range(data$time[data$status == k]) * c(1, 0.9)
    ci <- timepoints(cuminc(data$time, data$status)[1:2], c(6, 12, 24))
    emit(name, "cmprsk", ci$est[k, ])
  }
}
incidence("cuminc mgus log-log", mgus, "log-log")
incidence("cuminc cohort log-log", cohort, "log-log")
incidence("cuminc cohort log", cohort, "log")
incidence("cuminc cohort plain", cohort, "plain")

# ---- concordance ----------------------------------------------------------------------------
cindex <- function(case, formula, data, weights = NULL, ...) {
  data$w <- if (is.null(weights)) 1 else data[[weights]]
  fit <- do.call(concordance, list(formula, data, weights = data$w, reverse = TRUE, ...))
  count <- if (is.matrix(fit$count)) colSums(fit$count) else fit$count
  emit(case, "c", fit$concordance); emit(case, "std_error", sqrt(fit$var))
  emit(case, "count", count[1:3])
}
cindex("c lung age", Surv(time, event) ~ age, lung1)
cindex("c lung age strata", Surv(time, event) ~ age + strata(inst), lung1)
cindex("c cohort", Surv(time, event) ~ score, cohort)
cindex("c cohort weighted", Surv(time, event) ~ score, cohort, weights = "fraction")
cindex("c cohort strata", Surv(time, event) ~ score + strata(stratum), cohort)
cindex("c cohort strata weighted", Surv(time, event) ~ score + strata(stratum), cohort, weights = "fraction")
cindex("c continuous", Surv(time, event) ~ score, continuous)
cindex("uno cohort", Surv(time, event) ~ score, cohort, timewt = "n/G2")
cindex("uno cohort 12", Surv(time, event) ~ score, cohort, timewt = "n/G2", ymax = 12)
cindex("uno continuous", Surv(time, event) ~ score, continuous, timewt = "n/G2")
cindex("uno continuous 12", Surv(time, event) ~ score, continuous, timewt = "n/G2", ymax = 12)

# ---- AUC and Brier ----------------------------------------------------------------------------
horizons <- c(3, 6, 12, 24)
accuracy <- function(case, data) {
  risk <- sapply(horizons, function(h) 1 - exp(-0.05 * h * exp(0.5 * data$score)))
  fit <- Score(list(model = risk), Surv(time, event) ~ 1, data, times = horizons,
               metrics = c("auc", "brier"), cens.model = "km", conf.int = TRUE, summary = "ibs",
               null.model = TRUE, contrasts = FALSE)
  auc <- subset(as.data.frame(fit$AUC$score), model == "model")
  emit(case, "auc", auc$AUC); emit(case, "auc_std_error", auc$se)
  brier <- as.data.frame(fit$Brier$score)
  own <- brier[brier$model == "model", ]
  emit(case, "brier", own$Brier); emit(case, "brier_std_error", own$se)
  emit(case, "ibs", own$IBS)
  emit(case, "reference", brier[brier$model != "model", "Brier"])
}
accuracy("accuracy continuous", continuous)
accuracy("accuracy cohort", cohort)

write.csv(do.call(rbind, rows), file.path(here, "outputs.csv"), row.names = FALSE, quote = FALSE)
versions <- c("survival", "cmprsk", "riskRegression")
write.csv(data.frame(what = c("R", versions), version = c(paste(R.version$major, R.version$minor, sep = "."),
  sapply(versions, function(p) as.character(packageVersion(p))))),
  file.path(here, "versions.csv"), row.names = FALSE, quote = FALSE)
