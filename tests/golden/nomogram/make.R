# Nomogram axes, validate, calibrate, smooth calibration, net benefit: what rms gives.
# Run in this folder: Rscript make.R. Writes inputs, results.csv (quantity, value), labels.csv and
# versions.csv. Resamples are drawn by R's sample() exactly as predab.resample draws them.
suppressPackageStartupMessages({library(rms); library(survival)})
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

# rms stops refits of resamples at a tolerance of 1e-4; here it goes on to 1e-12.
tight <- rms::cph; formals(tight)$eps <- 1e-12; formals(tight)$iter.max <- 60
assignInNamespace("cph", tight, "rms")
inner <- rms::coxphFit
assignInNamespace("coxphFit", function(..., iter.max, eps)
  inner(..., iter.max = if (iter.max == 0) 0 else 60, eps = 1e-12), "rms")

# ---- pretty() ------------------------------------------------------------------------------
ranges <- data.frame(low = c(0, 15, -2.43, 39, 0.013, -1e-5, 5, 0, 1234.5, -7, 98, 0, -3, 2.5, 0.99),
  high = c(100, 90, 3.54, 82, 0.97, 3e-4, 5, 0, 98765.4, -0.2, 102, 317.2, 0, 2.6, 1.01),
  n = c(10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 5, 10, 10, 10, 10))
write17(ranges, "ranges.csv")
for (i in seq_len(nrow(ranges)))
  keep(paste0("pretty.", i - 1), pretty(c(ranges$low[i], ranges$high[i]), ranges$n[i]))

# ---- data: ties in months, three levels, a curved effect -------------------------------------
set.seed(42)
n <- 640
d <- data.frame(age = round(rnorm(n, 62, 11)), tmb = round(rlnorm(n, 1.6, 0.9), 3),
  tumor = sample(c("Melanoma", "Lung", "Bladder"), n, TRUE, c(.4, .45, .15)),
  sex = sample(c("female", "male"), n, TRUE), grade = sample(1:4, n, TRUE))
lp <- 0.015 * (d$age - 62) - 0.25 * log2(d$tmb + 1) + 0.5 * (d$tumor == "Lung") +
  0.9 * (d$tumor == "Bladder") + 0.2 * (d$sex == "male") + 0.0006 * (d$age - 60)^2 + .1 * d$grade
death <- rexp(n, exp(lp) / 22); cens <- runif(n, 4, 60)
d$time <- round(pmin(death, cens), 1); d$event <- as.numeric(death <= cens)
write17(d, "patients.csv")
d$tumor <- factor(d$tumor, levels = c("Melanoma", "Lung", "Bladder"))
d$sex <- factor(d$sex, levels = c("female", "male"))
units(d$time) <- "Month"
dd <- datadist(d); options(datadist = "dd")

models <- list(
  linear = Surv(time, event) ~ age + tmb + grade,
  factor = Surv(time, event) ~ age + tumor + sex,
  spline = Surv(time, event) ~ rcs(age, 4) + tumor + tmb + sex)
B <- 40
for (name in names(models)) {
  f <- rms::cph(models[[name]], data = d, x = TRUE, y = TRUE, surv = TRUE, time.inc = 12)
  keep(paste0(name, ".coef"), coef(f))
  s <- Survival(f)
  for (marks in c("pretty", "given")) {
    args <- list(f, fun = list(function(x) s(12, lp = x), function(x) s(24, lp = x)),
      funlabel = c("s12", "s24"))
    if (marks == "given") args$fun.at <- c(.05, .1, .2, .3, .4, .5, .6, .7, .8, .9, .95)
    nom <- do.call(nomogram, args)
    key <- paste(name, marks, sep = ".")
    vars <- setdiff(names(nom), c("total.points", "lp", "s12", "s24"))
    if (marks == "pretty") {
      for (v in vars) {
        keep(paste(name, v, "points", sep = "."), nom[[v]]$points)
        if (is.numeric(nom[[v]][[1]])) keep(paste(name, v, "ticks", sep = "."), nom[[v]][[1]])
      }
      keep(paste0(name, ".total"), nom$total.points$x)
      keep(paste0(name, ".lp.ticks"), nom$lp$x.real); keep(paste0(name, ".lp.points"), nom$lp$x)
      info <- attr(nom, "info")
      keep(paste0(name, ".scale"), c(info$sc, info$Intercept))
    }
    for (t in c("s12", "s24")) {
      keep(paste(key, t, "marks", sep = "."), nom[[t]]$x.real)
      keep(paste(key, t, "points", sep = "."), nom[[t]]$x)
    }
  }
  # a patient's survival with its log-log interval
  new <- d[c(3, 77, 401), ]
  se <- survest(f, newdata = new, times = c(12, 24), conf.type = "log-log")
  keep(paste0(name, ".survival"), as.vector(t(se$surv)))

  # ---- validate and calibrate, with the same resamples ---------------------------------------
  set.seed(7); v <- validate(f, B = B)
  for (m in c("Dxy", "R2", "Slope", "D", "U", "Q", "g"))
    keep(paste(name, "validate", m, sep = "."), v[m, c("index.orig", "training", "test", "optimism", "index.corrected")])
  set.seed(7)
  invisible(capture.output(k <- calibrate(f, cmethod = "KM", u = 12, m = 100, B = B)))
  keep(paste0(name, ".calibrate"), c(k[, "mean.predicted"], k[, "KM"], k[, "KM.corrected"]))
  keep(paste0(name, ".calibrate.std.err"), k[, "std.err"])

  # ---- the smooth curve, by rms's own resampling with another measure -------------------------
  cl <- function(p) log(-log(pmin(.9999, pmax(p, 1e-4))))
  p0 <- as.vector(f$surv.summary[2, , 1]^exp(f$linear.predictors))
  knots <- attr(rcspline.eval(cl(p0), nk = 3), "knots")
  grid <- seq(quantile(p0, .02), quantile(p0, .98), length = 50)
  curve <- function(p, y, at) {
    b <- rcspline.eval(cl(p), knots = knots, inclx = TRUE)
    g <- coxph(Surv(y[, 1], y[, 2]) ~ b, eps = 1e-12)
    nb <- rcspline.eval(cl(at), knots = knots, inclx = TRUE)
    h <- basehaz(g, centered = TRUE); H <- h$hazard[max(which(h$time <= 12 + 1e-9))]
    exp(-H * exp(as.vector(sweep(nb, 2, g$means) %*% coef(g))))
  }
  fitter <- function(x, y, strata, iter = 0, ...) {
    a <- y[, 1]; e <- y[, 2]
    g <- rms::cph(Surv(a, e) ~ x, surv = TRUE, time.inc = 12)
    attr(g$terms, "Design") <- NULL
    g
  }
  gap <- function(x, y, strata, fit, iter, ...) {
    p <- as.vector(fit$surv.summary[2, , 1]^exp(if (iter == 0) x - f$center else x - fit$center))
    curve(p, y, grid) - grid
  }
  set.seed(7)
  invisible(capture.output(r <- predab.resample(f, fit = fitter, measure = gap, method = "boot", B = B)))
  keep(paste0(name, ".smooth.grid"), grid)
  keep(paste0(name, ".smooth.observed"), curve(p0, f$y, grid))
  keep(paste0(name, ".smooth.corrected"), r[, "index.corrected"] + grid)
  e <- abs(p0 - curve(p0, f$y, p0))
  keep(paste0(name, ".errors"), c(mean(e), quantile(e, c(.5, .9))))

  # ---- net benefit by survfit ------------------------------------------------------------------
  risk <- 1 - p0
  nb <- sapply(c(.2, .35, .5, .65), function(c) {
    s <- risk > c; q <- mean(s)
    if (!q) return(0)
    S <- summary(survfit(f$y[s, ] ~ 1), times = 12, extend = TRUE)$surv
    q * (1 - S) - q * S * c / (1 - c)
  })
  S <- summary(survfit(f$y ~ 1), times = 12)$surv
  keep(paste0(name, ".net_benefit"), nb)
  keep(paste0(name, ".treat_all"), (1 - S) - S * c(.2, .35, .5, .65) / (1 - c(.2, .35, .5, .65)))
}
# ---- observed over expected, and slope, of a model of half the patients in the other half ------
a <- d[1:320, ]; b <- d[321:640, ]
g <- coxph(models$factor, data = a, eps = 1e-12)
lpb <- predict(g, newdata = b, type = "lp"); e <- predict(g, newdata = b, type = "expected")
keep("large.expected", sum(e)); keep("large.observed", sum(b$event))
s <- coxph(Surv(time, event) ~ lpb, data = b, eps = 1e-12)
keep("large.slope", c(coef(s), confint(s)))
set.seed(7)
resamples <- t(replicate(B, sample(n, replace = TRUE))) - 1
write.table(resamples, "resamples.csv", sep = ",", row.names = FALSE, col.names = FALSE)
write17(results, "results.csv")
write.csv(data.frame(package = c("R", "rms", "survival"), version = c(
  paste(R.version$major, R.version$minor, sep = "."), as.character(packageVersion("rms")),
  as.character(packageVersion("survival")))), "versions.csv", row.names = FALSE, quote = FALSE)
