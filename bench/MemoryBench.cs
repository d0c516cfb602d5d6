using System.Globalization;
using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer;

namespace Mcn.Web.Bench;

/// <summary>
/// `bench memory`: peak memory of a training step at batch x1, x2, x4, x8, with the gradient cache (one BatchNorm group's graph at a time)
/// and with every graph held, each in a process of its own; and whether both give the same gradients.
/// </summary>
/// <remarks>
/// The peak is the kernel's own high-water mark (VmHWM), which no sampling can miss, less what the process had before there was a network.
/// The C library would keep freed memory and split it, which says more about its heuristics than about the step: in these processes
/// whatever is larger than 64 KiB goes back to the kernel when it is freed, and there is one arena. And .NET would let garbage pile up to
/// the size of the processor's last cache, more of it in a longer step: here 1 MiB. On GPUs it is what NVML says of the fullest board after
/// the last step, since libtorch gives nothing back before, less what was used with the contexts made; the inputs are not part of it.
/// </remarks>
static class MemoryBench
{
    static readonly Dictionary<string, string> Lean = new()
    {
        ["MALLOC_ARENA_MAX"] = "1", ["MALLOC_MMAP_THRESHOLD_"] = "65536", ["MALLOC_TRIM_THRESHOLD_"] = "65536", ["DOTNET_GCgen0size"] = "100000",
    };

    public static int Run(string[] arguments)
    {
        var options = new BenchArguments("memory", arguments, new Dictionary<string, string?>
        {
            ["config"] = "deploy/config/digits-3m.json", ["group"] = "256", ["sizes"] = "1,2,4,8", ["set"] = "embd_dim=64,recon_size=32", ["steps"] = "2", ["threads"] = "1",
            ["devices"] = null, ["precision"] = null,
        });
        var report = new BenchReport("memory");
        var folder = Directory.CreateTempSubdirectory("mcn-memory-");
        try
        {
            Measure(report, options, folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        report.Note("Peak: VmHWM less the resident memory before there was a network, in MB; each row is a process of its own. "
            + "What stays is that without the embeddings (3 x N x D x 4 bytes) and the inputs on the host. Freed blocks above 64 KiB go back to the kernel "
            + "(MALLOC_MMAP_THRESHOLD_, one arena) and garbage of .NET is collected at 1 MiB (DOTNET_GCgen0size): what is measured is what the step needs, not what the C library and the runtime keep. On GPUs: growth of the fullest board by NVML.");
        report.Print(options.Json);
        return ExitCodes.Done;
    }

    static void Measure(BenchReport report, BenchArguments options, string folder)
    {
        var sizes = options.List("sizes");
        if (sizes.Any(size => size < 1)) throw new UserError("--sizes", options.Text("sizes")!, "whole numbers from 1", "", exitCode: ExitCodes.Usage);
        Dictionary<(int Size, bool Cache), double> peaks = [];
        foreach (var size in sizes)
        {
            foreach (var cache in size == 1 ? [true] : new[] { true, false })
            {
                var file = Path.Combine(folder, "run.json");
                var clips = options.Whole("group") * size;
                RunConfigFile.Write(file, Config(options, clips, cache));
                var said = MeasuredProcess.RunChild(Lean, MemoryChild.Name, file, Text(options.Whole("steps")), Text(options.Whole("threads")), Gradients(folder, cache)).Result;
                double Megabytes(string name) => (double)said[name]! / 1e6;
                var stays = peaks[(size, cache)] = Megabytes("peak") - Megabytes("embeddings") - Megabytes("inputs");
                report.Add("", ("batch", $"x{size}"), ("clips", clips), ("graphs held", (int)said["held"]!), ("peak MB", Megabytes("peak")), ("embeddings MB", Megabytes("embeddings")),
                    ("inputs MB", Megabytes("inputs")), ("what stays MB", stays), ("step s", (double)said["seconds"]!));
                Console.Error.WriteLine(FormattableString.Invariant($"x{size}{(cache ? ", gradient cache" : "")}: {stays:F1} MB"));
            }

            if (size > 1) report.Ratio($"x{size}: gradients with and without the cache, relative L2", Distance(folder), "<= 1e-5");
        }

        foreach (var size in sizes.Where(size => size > 1 && peaks.ContainsKey((1, true))))
        {
            report.Ratio($"x{size} with the cache / x1", peaks[(size, true)] / peaks[(1, true)], size == 8 ? "<= 1.1" : "");
            report.Ratio($"x{size} with every graph / x1", peaks[(size, false)] / peaks[(1, true)]);
        }
    }

    static RunConfig Config(BenchArguments options, int clips, bool cache)
    {
        var config = options.Configuration(options.Text("set")!.Split(',', StringSplitOptions.RemoveEmptyEntries));
        if (clips % config.Data.NPair > 0) throw new UserError("--group", Text(options.Whole("group")), $"a multiple of n_pair {config.Data.NPair}", "", exitCode: ExitCodes.Usage);
        return config with
        {
            Data = config.Data with { BatchSize = clips / config.Data.NPair, ReadAheadBytes = 1L << 32 },
            Model = config.Model with { BatchnormGroup = options.Whole("group") },
            Optimizer = config.Optimizer with { MicroBatch = cache ? 0 : clips },
        };
    }

    static string Gradients(string folder, bool cache) => Path.Combine(folder, cache ? "cached.bin" : "whole.bin");

    static double Distance(string folder)
    {
        var cached = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Gradients(folder, true)));
        var whole = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Gradients(folder, false)));
        var (difference, norm) = (0.0, 0.0);
        for (var i = 0; i < whole.Length; i++)
        {
            difference += Math.Pow(cached[i] - whole[i], 2);
            norm += Math.Pow(whole[i], 2);
        }

        return cached.Length == whole.Length ? Math.Sqrt(difference / norm) : double.NaN;
    }

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
