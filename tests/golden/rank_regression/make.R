# Analysis of covariance on ranks within strata, with HC3 errors: what R's lm gives.
# Run in this folder: Rscript make.R. Writes data.csv, results.csv and versions.csv.
suppressPackageStartupMessages(library(Hmisc))
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
digits17 <- function(x) ifelse(is.na(x), "NA", sprintf("%.17g", x))
set.seed(20240611)
n <- 700
stratum <- sample(1:9, n, replace = TRUE, prob = c(rep(1, 8), 0.03))
burden <- exp(rnorm(n, 0.2 * stratum, 0.9))
group <- rbinom(n, 1, plogis(-3 + 0.8 * log(burden)))
smooth <- 0.4 * log(burden) + stratum / 3 + rnorm(n)
tied <- pmax(0, round(smooth + 0.6 * group))
smooth[sample(n, 60)] <- NA
burden[sample(n, 25)] <- NA
data <- data.frame(stratum, group, burden, smooth, tied)
write.csv(as.data.frame(lapply(data, digits17)), "data.csv", row.names = FALSE, quote = FALSE)

x <- log2(burden + 1)
knots <- quantile(x, c(0.05, 0.275, 0.5, 0.725, 0.9, 0.975, 0.995), na.rm = TRUE)
basis <- rcspline.eval(x, knots = knots, inclx = TRUE)
fit <- function(value, covariates) {
  d <- data.frame(value, group, stratum = factor(stratum))
  complete <- !is.na(value) & !is.na(x)
  y <- ave(value[complete], stratum[complete], FUN = function(v) (rank(v) - 0.5) / length(v))
  g <- group[complete]; s <- factor(stratum[complete])
  m <- if (covariates) lm(y ~ g + basis[complete, ] + s) else lm(y ~ g + s)
  X <- model.matrix(m); keep <- !is.na(coef(m)); X <- X[, keep]
  bread <- solve(crossprod(X))
  e <- residuals(m) / (1 - hatvalues(m)); e[hatvalues(m) > 1 - 1e-9] <- 0
  v <- bread %*% crossprod(X * e) %*% bread
  b <- coef(m)[["g"]]; se <- sqrt(v["g", "g"]); df <- m$df.residual
  c(2 * b, 2 * (b + c(-1, 1) * qt(0.975, df) * se), 2 * pt(-abs(b / se), df), sum(g), sum(1 - g))
}
results <- NULL
for (name in c("smooth", "tied")) for (covariates in c(TRUE, FALSE)) {
  value <- fit(data[[name]], covariates)
  results <- rbind(results, data.frame(feature = name, adjusted = as.integer(covariates),
    quantity = c("rank_biserial", "ci_lower", "ci_upper", "p_value", "n_group", "n_reference"),
    value = digits17(value)))
}
write.csv(results, "results.csv", row.names = FALSE, quote = FALSE)
write.csv(data.frame(package = c("R", "Hmisc"),
  version = c(as.character(getRversion()), as.character(packageVersion("Hmisc")))),
  "versions.csv", row.names = FALSE, quote = FALSE)
