# Golden values of a multivariable model as the Cox page fits it: Rscript make.R, in this folder.
# Writes pbc.csv, results.csv (quantity, value) and versions.csv. Numbers have 17 digits.
suppressMessages({library(survival); library(rms)})
d <- pbc[, c("time", "status", "age", "sex", "bili", "edema", "trt", "stage")]
d <- d[!is.na(d$trt), ]  # the trial's patients; the stage of every 13th is taken away
d$months <- d$time / 30.4375
d$died <- as.integer(d$status == 2)
d$edema <- factor(c("none", "some", "much")[match(d$edema, c(0, 0.5, 1))],
                  levels = c("none", "some", "much"))
d$trt <- c("drug", "placebo")[d$trt]
d$sex <- factor(as.character(d$sex), levels = c("f", "m"))
d$stage <- as.numeric(d$stage)
d$stage[seq(5, nrow(d), 13)] <- NA

rows <- list()
keep <- function(name, v) rows[[length(rows) + 1]] <<- data.frame(
  quantity = paste0(name, if (length(v) > 1) paste0("[", seq_along(v), "]") else ""),
  value = sprintf("%.17g", as.numeric(v)))

whole <- d[complete.cases(d), ]
control <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 50)
fit <- coxph(Surv(months, died) ~ sex + I(age / 10) + log2(bili + 1) + edema + strata(trt) + stage,
             whole, control = control)
ci <- summary(fit)$conf.int
keep("model.hazard_ratio", ci[, 1]); keep("model.ci_lower", ci[, 3]); keep("model.ci_upper", ci[, 4])
keep("model.p_value", summary(fit)$coefficients[, 5])
keep("model.n", fit$n); keep("model.events", fit$nevent)
# generalised variance inflation, Fox and Monette 1992, of each term; VIF of rms for one column
r <- cov2cor(vcov(fit)); p <- ncol(r)
terms <- list(sex = 1, age = 2, bili = 3, edema = 4:5, stage = 6)
keep("gvif", sapply(terms, function(i)
  det(r[i, i, drop = FALSE]) * det(r[-i, -i, drop = FALSE]) / det(r)))
keep("vif", rms::vif(fit)[c(1, 2, 3, 6)])
keep("zph", cox.zph(fit)$table[, "p"])
wald <- sapply(terms, function(i) {
  b <- coef(fit)[i]; s <- drop(b %*% solve(vcov(fit)[i, i], b))
  pchisq(s, length(i), lower.tail = FALSE)
})
keep("term_p", wald)
con <- concordance(fit)
keep("c_index", con$concordance); keep("c_index_se", sqrt(con$var))
without <- coxph(Surv(months, died) ~ I(age / 10) + log2(bili + 1) + edema + strata(trt) + stage,
                 whole, control = control)
keep("added.chisq", anova(without, fit)$Chisq[2]); keep("added.p", anova(without, fit)[["Pr(>|Chi|)"]][2])
# each variable alone, on the patients in whom it is known
alone <- function(name, f) keep(paste0("alone.", name),
  summary(coxph(update(Surv(months, died) ~ strata(trt), f), d, control = control))$conf.int[1, c(1, 3, 4)])
alone("sex", . ~ sex + .); alone("age", . ~ I(age / 10) + .); alone("stage", . ~ stage + .)
# a spline of age: hazard ratio between the quartiles, and p of the whole and of the curvature
dd <- datadist(whole); options(datadist = "dd")
curved <- cph(Surv(months, died) ~ sex + rcs(age, 4) + strat(trt), whole, eps = 1e-13, iter.max = 60)
s <- summary(curved, age = quantile(whole$age, c(.25, .75)))
keep("spline_log", s["age", c("Effect", "Lower 0.95", "Upper 0.95")])
a <- anova(curved); keep("spline.p", a[c("age", " Nonlinear"), "P"])

out <- d[, c("months", "died", "age", "sex", "bili", "edema", "trt", "stage")]
for (j in which(sapply(out, is.double))) out[[j]] <- ifelse(is.na(out[[j]]), "", sprintf("%.17g", out[[j]]))
write.csv(out, "pbc.csv", row.names = FALSE, quote = FALSE, na = "")
write.csv(do.call(rbind, rows), "results.csv", row.names = FALSE, quote = FALSE)
write.csv(data.frame(package = c("R", "survival", "rms"), version = c(as.character(getRversion()),
  as.character(packageVersion("survival")), as.character(packageVersion("rms")))),
  "versions.csv", row.names = FALSE, quote = FALSE)
