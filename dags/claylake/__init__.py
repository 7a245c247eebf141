"""The domain of claylake: values and rules, free of Airflow and Spark."""
