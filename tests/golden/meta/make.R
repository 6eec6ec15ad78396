# Meta-analysis and shrunken estimates: what metafor gives. Run in this folder: Rscript make.R
suppressPackageStartupMessages(library(metafor))
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
bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
sets <- list(
  bcg = data.frame(yi = as.numeric(bcg$yi), vi = bcg$vi),
  agree = data.frame(yi = c(-0.31, -0.28, -0.35, -0.30, -0.33), vi = c(0.05, 0.02, 0.09, 0.04, 0.11)),
  three = data.frame(yi = c(-0.9, 0.4, -0.2), vi = c(0.08, 0.05, 0.3)),
  two = data.frame(yi = c(-0.7, 0.1), vi = c(0.04, 0.06)))
for (name in names(sets)) {
  d <- sets[[name]]
  write17(d, paste0(name, ".csv"))
  fit <- function(method, test, data = d) rma(yi, vi, data = data, method = method, test = test,
    control = if (method == "REML") list(threshold = 1e-14, maxiter = 10000) else list())
  for (model in list(c("REML", "knha"), c("REML", "z"), c("DL", "knha"), c("DL", "z"), c("FE", "z"))) {
    m <- fit(model[1], model[2]); key <- paste(name, model[1], model[2], sep = ".")
    p <- predict(m)
    keep(paste0(key, ".summary"), c(m$beta, m$se, m$ci.lb, m$ci.ub, m$pval))
    keep(paste0(key, ".heterogeneity"), c(m$QE, m$QEp, m$I2 / 100))
    if (model[1] != "FE") {
      keep(paste0(key, ".tau2"), m$tau2)
      keep(paste0(key, ".prediction"), c(p$pi.lb, p$pi.ub))
      ci <- confint(m, control = list(tol = 1e-14, maxiter = 10000, tau2.max = 1e4))$random["tau^2", 2:3]
      keep(paste0(key, ".tau2_ci"), ci)
    }
    keep(paste0(key, ".weights"), weights(m) / 100)
  }
  b <- blup(fit("REML", "z"))
  keep(paste0(name, ".blup"), b$pred); keep(paste0(name, ".blup_se"), b$se)
  if (nrow(d) > 2) {
    for (i in seq_len(nrow(d))) {
      m <- fit("REML", "knha", d[-i, ])
      keep(paste0(name, ".without", i - 1), c(m$beta, m$ci.lb, m$ci.ub, m$tau2))
    }
    e <- regtest(fit("FE", "z"), model = "lm", predictor = "sei")
    keep(paste0(name, ".egger"), c(e$zval, e$pval, coef(summary(e$fit))[, 1]))
  }
}
write17(results, "results.csv")
write.csv(data.frame(package = c("R", "metafor"), version = c(as.character(getRversion()),
  as.character(packageVersion("metafor")))), "versions.csv", row.names = FALSE, quote = FALSE)
