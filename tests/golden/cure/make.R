# Weibull mixture-cure model: the likelihood written out and maximised by R's optim and Newton's steps.
# Run in this folder: Rscript make.R. Writes data.csv, results.csv and versions.csv.
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
digits17 <- function(x) ifelse(is.na(x), "NA", sprintf("%.17g", x))
set.seed(20250901)
n <- 600
age <- round(rnorm(n, 62, 11)); male <- rbinom(n, 1, 0.6)
dies <- rbinom(n, 1, plogis(1.6 - 0.9 * male + 0.02 * (age - 62)))
death <- (-log(runif(n)) / (0.08 * exp(0.03 * (age - 62))))^(1 / 1.2)
end <- runif(n, 10, 90)
time <- round(pmax(ifelse(dies == 1, pmin(death, end), end), 0.1), 1)
event <- as.integer(dies == 1 & death <= end)
data <- data.frame(time, event, age, male)
write.csv(as.data.frame(lapply(data, digits17)), "data.csv", row.names = FALSE, quote = FALSE)

X <- cbind(age - 62, male)
loglik <- function(p) { # of complex numbers, too: its gradient is taken by complex steps
  uncured <- 1 / (1 + exp(-(p[1] + X %*% p[2:3]))); eta <- p[4] + X %*% p[6:7]
  H <- exp(exp(p[5]) * log(time) + eta)
  dead <- log(uncured) + p[5] + (exp(p[5]) - 1) * log(time) + eta - H
  sum(dead[event == 1]) + sum(log(1 - uncured + uncured * exp(-H))[event == 0])
}
gradient <- function(p) sapply(1:7, function(j) Im(loglik(p + 1i * 1e-25 * (1:7 == j))) / 1e-25)
hessian <- function(p) sapply(1:7, function(j) { e <- 1e-5 * (1:7 == j); (gradient(p + e) - gradient(p - e)) / 2e-5 })
p <- optim(c(1, 0, 0, -2, 0, 0, 0), function(p) -Re(loglik(p)), function(p) -gradient(p), method = "BFGS",
  control = list(maxit = 1000, reltol = 1e-15))$par
for (k in 1:6) p <- p - solve(hessian(p), gradient(p)) # Newton
plain <- survival::survreg(survival::Surv(time, event) ~ X, dist = "weibull")
curve <- function(x, t) { u <- plogis(p[1] + sum(x * p[2:3])); 1 - u + u * exp(-exp(p[4] + exp(p[5]) * log(t) + sum(x * p[6:7]))) }
last <- max(time[event == 1]); longest <- max(time)
alpha <- (1 - sum(event == 1 & time > 2 * last - longest) / n)^n
results <- rbind(
  data.frame(quantity = paste0("estimate.", 1:7), value = p),
  data.frame(quantity = paste0("error.", 1:7), value = sqrt(diag(solve(-hessian(p))))),
  data.frame(quantity = c("loglik", "plain.loglik", "cured", "follow_up", "survival.12", "survival.36"),
    value = c(Re(loglik(p)), plain$loglik[2], mean(1 - plogis(p[1] + X %*% p[2:3])), alpha,
      curve(c(8, 1), 12), curve(c(8, 1), 36))))
results$value <- digits17(results$value)
write.csv(results, "results.csv", row.names = FALSE, quote = FALSE)
write.csv(data.frame(package = c("R", "survival"),
  version = c(as.character(getRversion()), as.character(packageVersion("survival")))),
  "versions.csv", row.names = FALSE, quote = FALSE)
