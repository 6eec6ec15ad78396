# Golden values of the Cox model: Rscript make.R, in this folder.
# Writes inputs/*.csv (R's own data sets, and a seeded synthetic cohort), outputs.csv
# (case, quantity, i, value; matrices by column) and versions.csv. Numbers have 17 digits.
# coxph's iteration is run until nothing changes (eps 1e-13); its default stops at 1e-9.
suppressMessages({library(survival); library(rms)})
control <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 50)
few <- 20  # rows of residuals kept per case

out <- list()
put <- function(case, ...) {
  values <- list(...)
  for (q in names(values)) {
    v <- as.numeric(values[[q]])
    if (length(v)) out[[length(out) + 1]] <<- data.frame(
      case = case, quantity = q, i = seq_along(v), value = sprintf("%.17g", v))
  }
}
save <- function(name, d) {
  for (j in which(sapply(d, is.double))) d[[j]] <- sprintf("%.17g", d[[j]])
  write.csv(d, file.path("inputs", paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
}

# ------------------------------------------------------------------ inputs
whole <- function(d, columns) { d <- d[, columns]; d[complete.cases(d), ] }
lung2 <- whole(lung, c("inst", "time", "status", "age", "sex", "ph.ecog", "meal.cal"))
lung2$dead <- as.integer(lung2$status == 2); lung2$status <- NULL
lung2$w <- c(1, 2, 1, 3)[seq_len(nrow(lung2)) %% 4 + 1]
lung2$v <- 0.25 + (seq_len(nrow(lung2)) * 7 %% 11) / 8
pbc2 <- whole(pbc, c("time", "status", "age", "bili", "albumin", "edema", "protime", "alk.phos"))
pbc2$dead <- as.integer(pbc2$status == 2); pbc2$status <- NULL
veteran2 <- veteran[, c("trt", "celltype", "time", "status", "karno", "age", "prior")]
rotterdam2 <- rotterdam[, c("age", "meno", "size", "grade", "nodes", "pgr", "er", "hormon",
                            "chemo", "dtime", "death")]
rotterdam2$size <- as.character(rotterdam2$size)
colon2 <- whole(colon, c("id", "rx", "sex", "age", "nodes", "etype", "time", "status"))
heart2 <- heart[, c("start", "stop", "event", "age", "year", "surgery", "transplant", "id")]
heart2$transplant <- as.integer(as.character(heart2$transplant))
ovarian2 <- ovarian[, c("futime", "fustat", "age", "resid.ds", "rx")]
set.seed(20240611)
n <- 400
synthetic <- data.frame(a = rnorm(n), b = rbinom(n, 1, 0.3), c = rbinom(n, 1, 0.06),
                        site = sample(1:5, n, TRUE), w = sample(c(0.5, 1, 1.75, 3), n, TRUE))
time <- rexp(n, 0.05 * exp(0.5 * synthetic$a - 0.4 * synthetic$b + 0.3 * synthetic$c))
censor <- runif(n, 0, 50)
synthetic$time <- floor(pmin(time, censor))          # months: ties, and zero times
synthetic$dead <- as.integer(time <= censor)
synthetic$entry <- pmax(-1, synthetic$time - sample(1:20, n, TRUE))
few_events <- data.frame(group = rep(0:1, c(30, 12)), x = round(rnorm(42), 3),
                         time = c(round(rexp(30, 0.1), 2), round(rexp(12, 0.05), 2) + 1))
few_events$dead <- as.integer(few_events$group == 0 & runif(42) < 0.6)  # group 1: no event
# Months that differ only by rounding, as two ways of converting days make them.
months <- lung2
half <- seq_len(nrow(months)) %% 2 == 0
months$time <- ifelse(half, lung2$time / 30.4375, lung2$time / 365.25 * 12)
tables <- list(months = months, lung = lung2, pbc = pbc2, veteran = veteran2, rotterdam = rotterdam2,
               colon = colon2, heart = heart2, ovarian = ovarian2, synthetic = synthetic,
               few_events = few_events)
for (name in names(tables)) save(name, tables[[name]])

# ------------------------------------------------------------------ models
model <- function(case, fit, transforms = c("km", "rank", "identity", "log"), new = NULL,
                  stratum = NULL, times = NULL) {
  s <- summary(fit)
  put(case, coefficients = coef(fit), std_errors = sqrt(diag(fit$var)), covariance = fit$var,
      naive = if (is.null(fit$naive.var)) fit$var else fit$naive.var,
      loglik = fit$loglik, n = fit$n, events = fit$nevent, p_value = s$coefficients[, "Pr(>|z|)"],
      ci_lower = s$conf.int[, 3], ci_upper = s$conf.int[, 4],
      lr = s$logtest, wald = c(fit$wald.test, s$waldtest[2:3]), score = s$sctest)
  top <- function(v) if (is.matrix(v)) v[seq_len(min(few, nrow(v))), ] else head(v, few)
  put(case, martingale = top(residuals(fit)), deviance = top(residuals(fit, "deviance")),
      score_residuals = top(residuals(fit, "score")), dfbeta = top(residuals(fit, "dfbeta")),
      dfbetas = top(residuals(fit, "dfbetas")),
      schoenfeld = top(residuals(fit, "schoenfeld")),
      scaled_schoenfeld = top(residuals(fit, "scaledsch")))
  for (t in transforms) {
    z <- cox.zph(fit, t)
    put(case, chi_square = z$table[, 1], df = z$table[, 2], zph_p = z$table[, 3])
    k <- length(out); for (j in 0:2) out[[k - j]]$quantity <<- paste0(t, "_", out[[k - j]]$quantity)
    if (ncol(fit$y) == 3) {  # with entry times R lists the deaths of a tie last to first
      back <- rev(seq_along(z$time))
      stratum <- if (is.null(z$strata)) 0 * back else as.integer(z$strata)
      back <- back[order(stratum[back], z$time[back])]
      z$x <- z$x[back]; z$y <- z$y[back, , drop = FALSE]; z$time <- z$time[back]
    }
    if (t == transforms[1]) put(case, zph_x = top(z$x), zph_y = top(z$y), zph_time = top(z$time))
  }
  if (!is.null(new)) for (type in c("log", "log-log", "plain")) {
    curve <- summary(survfit(fit, new, conf.type = type), times = times, extend = TRUE)
    put(case, curve_survival = curve$surv, curve_lower = curve$lower, curve_upper = curve$upper)
    k <- length(out)
    for (j in 0:2) out[[k - j]]$quantity <<- paste0(out[[k - j]]$quantity, "_", type)
    if (type == "log") put(case, curve_cumhaz = curve$cumhaz)
  }
}
fit <- function(...) {
  call <- match.call()
  call[[1]] <- quote(coxph)
  call$control <- quote(control)
  eval(call, parent.frame())
}
two <- data.frame(age = c(62, 50), sex = c(1, 2), ph.ecog = c(1, 0))
at <- c(0, 12, 100, 250.5, 400, 700)
for (ties in c("efron", "breslow")) {
  c2 <- function(name) paste0(name, "_", ties)
  model(c2("lung"), fit(Surv(time, dead) ~ age + sex + ph.ecog, lung2, ties = ties),
        new = two, times = at)
  model(c2("months"), fit(Surv(time, dead) ~ age + sex + ph.ecog, months, ties = ties))
  model(c2("lung_strata"), fit(Surv(time, dead) ~ age + sex + strata(ph.ecog), lung2, ties = ties),
        new = data.frame(age = c(62, 50), sex = c(1, 2), ph.ecog = c(1, 1)), times = at)
  model(c2("lung_weights"), fit(Surv(time, dead) ~ age + sex + ph.ecog, lung2, ties = ties,
        weights = w, robust = FALSE), new = two, times = at)
  model(c2("lung_weights_robust"), fit(Surv(time, dead) ~ age + sex + ph.ecog, lung2, ties = ties,
        weights = v, robust = TRUE), new = two, times = at)
  model(c2("lung_cluster"), fit(Surv(time, dead) ~ age + sex + ph.ecog, lung2, ties = ties,
        cluster = inst))
  model(c2("lung_offset"), fit(Surv(time, dead) ~ sex + ph.ecog + offset(age / 50), lung2,
        ties = ties))
  model(c2("heart"), fit(Surv(start, stop, event) ~ age + year + surgery + transplant, heart2,
        ties = ties), new = data.frame(age = c(0, 5), year = c(2, 4), surgery = 0:1,
        transplant = c(0, 1)), times = c(1, 30, 90, 500))
  model(c2("heart_strata_cluster"), fit(Surv(start, stop, event) ~ age + year + surgery +
        strata(transplant), heart2, ties = ties, cluster = id))
  model(c2("pbc"), fit(Surv(time, dead) ~ age + bili + albumin + edema + protime + alk.phos, pbc2,
        ties = ties))
  model(c2("veteran"), fit(Surv(time, status) ~ trt + karno + age +
        relevel(celltype, "squamous"), veteran2, ties = ties))
  model(c2("rotterdam"), fit(Surv(dtime, death) ~ age + meno + I(size == "20-50") + I(size == ">50") +
        grade + nodes + pgr + er + hormon + chemo, rotterdam2, ties = ties))
  model(c2("colon"), fit(Surv(time, status) ~ sex + age + nodes + strata(etype), colon2, ties = ties,
        cluster = id))
  model(c2("ovarian"), fit(Surv(futime, fustat) ~ age + resid.ds + rx, ovarian2, ties = ties))
  model(c2("synthetic"), fit(Surv(time, dead) ~ a + b + c, synthetic, ties = ties),
        transforms = c("km", "rank", "identity"), new = data.frame(a = c(0, 1), b = 0:1, c = 1:0),
        times = c(0, 1, 5, 20, 45))
  model(c2("synthetic_all"), fit(Surv(entry, time, dead) ~ a + b + c + strata(site), synthetic,
        ties = ties, weights = w, robust = TRUE, cluster = seq_len(n)),
        transforms = c("km", "rank", "identity"))
}

# ------------------------------------------------------------------ several columns a term
terms <- fit(Surv(time, status) ~ karno + celltype + strata(trt), veteran2)
z <- cox.zph(terms)
put("veteran_terms", chi_square = z$table[, 1], df = z$table[, 2], p_value = z$table[, 3], y = z$y)
b <- coef(terms)[-1]
put("veteran_terms", wald_celltype = b %*% solve(vcov(terms)[-1, -1], b))

# Restricted cubic splines: rms's basis and knots (n of 100 and more, and below).
for (k in 3:7) {
  basis <- rcspline.eval(rotterdam2$age, nk = k, inclx = TRUE)
  put("splines", q = attr(basis, "knots"), last = basis[seq(1, 2982, 60), ncol(basis)])
  m <- length(out); for (j in 0:1) out[[m - j]]$quantity <- paste0(out[[m - j]]$quantity, k)
}
small <- rcspline.eval(ovarian2$age, nk = 3, inclx = TRUE)
put("splines", small_knots = attr(small, "knots"), small_basis = small)
spline <- coxph(Surv(dtime, death) ~ rcspline.eval(age, nk = 4, inclx = TRUE) + nodes, rotterdam2,
                control = control)
put("splines", fit_coefficients = coef(spline), fit_std_errors = sqrt(diag(vcov(spline))))

# Interaction by likelihood ratio, and the effect within levels.
low <- lung2[lung2$ph.ecog < 3, ]
without <- fit(Surv(time, dead) ~ sex + factor(ph.ecog), low)
within <- fit(Surv(time, dead) ~ sex * factor(ph.ecog), low)
a <- anova(without, within)
nested <- fit(Surv(time, dead) ~ factor(ph.ecog) + factor(ph.ecog):sex, low)
put("interaction", test = c(a$Chisq[2], a$Df[2], a[["Pr(>|Chi|)"]][2]),
    effect = coef(nested)[3:5], effect_se = sqrt(diag(vcov(nested)))[3:5])

# ------------------------------------------------------------------ profile intervals
profile_interval <- function(column, data, others, time, event) {
  rhs <- function(extra) as.formula(paste("Surv(", time, ",", event, ") ~", extra))
  top <- coxph(rhs(paste(c(column, others), collapse = "+")), data, control = control)
  q <- qchisq(0.95, 1)
  data$fixed <- data[[column]]
  gap <- function(b) {
    data$o <- b * data$fixed
    m <- coxph(rhs(paste(c(others, "offset(o)"), collapse = "+")), data, control = control)
    2 * (top$loglik[2] - tail(m$loglik, 1)) - q
  }
  b <- coef(top)[1]; se <- sqrt(vcov(top)[1, 1])
  c(uniroot(gap, c(b - 5 * se, b), tol = 1e-13)$root, uniroot(gap, c(b, b + 5 * se), tol = 1e-13)$root,
    gap(0) + q)
}
put("profile", lung_sex = profile_interval("sex", lung2, c("age", "ph.ecog"), "time", "dead"),
    ovarian_resid = profile_interval("resid.ds", ovarian2, c("age", "rx"), "futime", "fustat"))

# ------------------------------------------------------------------ Firth's penalty
# coxphf is not at hand: here the penalised score is solved from R's own pieces. Score and
# information come from coxph held at b; the penalty's gradient is a difference quotient of order
# eight of half the log determinant. Ties by Breslow as in coxphf, and by Efron.
held <- function(b, x, y, ties) coxph(y ~ x, init = b, ties = ties,
  control = coxph.control(iter.max = 0))
half_det <- function(b, x, y, ties)
  -determinant(held(b, x, y, ties)$var)$modulus / 2
quiet <- function(e) suppressWarnings(e)
firth <- function(x, y, ties, fixed = NULL, start = rep(0, ncol(x))) {
  b <- start; free <- setdiff(seq_along(b), fixed)
  weights <- c(4 / 5, -1 / 5, 4 / 105, -1 / 280); h <- 2e-3
  for (iteration in 1:500) {
    at <- quiet(held(b, x, y, ties))
    score <- if (ncol(x) == 1) sum(residuals(at, "score")) else colSums(residuals(at, "score"))
    penalty <- sapply(seq_along(b), function(j) sum(sapply(1:4, function(m) {
      e <- replace(0 * b, j, m * h)
      weights[m] * quiet(half_det(b + e, x, y, ties) - half_det(b - e, x, y, ties)) / h
    })))
    u <- (score + penalty)[free]
    step <- drop(solve(solve(at$var)[free, free, drop = FALSE], u))
    step <- step * min(1, 2 / max(abs(step)))
    b[free] <- b[free] + step
    if (!length(free) || max(abs(step)) < 1e-12) break
  }
  at <- quiet(held(b, x, y, ties))
  list(b = b, se = sqrt(diag(at$var)), value = at$loglik[1] + quiet(half_det(b, x, y, ties)))
}
firth_case <- function(name, x, y) for (ties in c("breslow", "efron")) {
  f <- firth(x, y, ties)
  null <- held(rep(0, ncol(x)), x, y, ties)$loglik[1] + half_det(rep(0, ncol(x)), x, y, ties)
  q <- qchisq(0.95, 1)
  gap <- function(v) {
    2 * (f$value - firth(x, y, ties, 1, replace(f$b, 1, v))$value) - q
  }
  reach <- 6 * f$se[1]
  ends <- c(uniroot(gap, c(f$b[1] - reach, f$b[1]), tol = 1e-9)$root,
            uniroot(gap, c(f$b[1], f$b[1] + reach), tol = 1e-9)$root)
  put(paste0("firth_", name, "_", ties), coefficients = f$b, std_errors = f$se,
      loglik = c(null, f$value), interval = ends, statistic = gap(0) + q)
}
firth_case("few_events", as.matrix(few_events[, c("group", "x")]),
           with(few_events, Surv(time, dead)))
firth_case("ovarian", as.matrix(ovarian2[, c("age", "resid.ds", "rx")]),
           with(ovarian2, Surv(futime, fustat)))
firth_case("lung", as.matrix(lung2[, c("sex", "age", "ph.ecog")]), with(lung2, Surv(time, dead)))

write.csv(do.call(rbind, out), "outputs.csv", row.names = FALSE, quote = FALSE)
write.csv(data.frame(name = c("R", "survival", "rms"),
                     version = c(paste(R.version$major, R.version$minor, sep = "."),
                                 as.character(packageVersion("survival")),
                                 as.character(packageVersion("rms")))),
          "versions.csv", row.names = FALSE, quote = FALSE)
