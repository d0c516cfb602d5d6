using Mcn.Web.Bench;
using Mcn.Web.Shared;

// Benchmarks, one command each: `./mcn bench NAME`. One file a bench; every one prints its figures and the machine beside them.
Bench[] benches =
[
    new("digits-3m", "trains digits-3m with 3 seeds: retrieval, time, memory", rest => TrainingQuality.Run("digits-3m", "deploy/config/digits-3m.json", rest)),
    new("sample", "trains the sample set with 3 seeds", rest => TrainingQuality.Run("sample", "deploy/config/sample.json", rest)),
    new("loader", "clips/s, CPU time and memory of the data path; --peer pytorch", LoaderBench.Run),
    new("step", "time of a training step and its phases; --peer pytorch", StepBench.Run),
    new("kmeans", "a Lloyd iteration and its memory at several queue sizes; --peer pytorch", KMeansBench.Run),
    new("memory", "peak memory of a step at batch x1 to x8, with the gradient cache and without", MemoryBench.Run),
    new("precision", "how far the gradient of a step in bf16 is from single precision's", PrecisionBench.Run),
    new("checkpoint", "stall, write, verify and recovery of a checkpoint of the published network", CheckpointBench.Run),
    new("index", "opening the index of 60,000 and 120,000 videos: time and memory", IndexBench.Run),
];

try
{
    if (args is [MeasuredProcess.ChildFlag, .. var child]) return BenchChildren.Run(child);
    if (args.Length > 0 && benches.FirstOrDefault(bench => bench.Name == args[0]) is { } chosen) return chosen.Run(args[1..]);
}
catch (UserError error)
{
    Console.Error.WriteLine(error.Message);
    return error.ExitCode;
}

Console.Error.WriteLine("bench: expected one of:");
foreach (var bench in benches) Console.Error.WriteLine($"  {bench.Name,-12} {bench.About}");
return 2;

/// <param name="Name">As on the command line.</param>
/// <param name="About">One line.</param>
/// <param name="Run">Takes the arguments after the name; the result is the exit code.</param>
sealed record Bench(string Name, string About, Func<string[], int> Run);
