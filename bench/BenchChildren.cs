using System.Text.Json.Nodes;

namespace Mcn.Web.Bench;

/// <summary>The measurements that run in a process of their own, by name.</summary>
static class BenchChildren
{
    public static int Run(string[] arguments)
    {
        JsonObject result = arguments switch
        {
            [LoaderChild.Name, var config, var readers, var seconds] => LoaderChild.Run(config, Number(readers), Number(seconds)),
            [IndexChild.Name, var config] => IndexChild.Run(config),
            [KernelsChild.Name, var folder, var seconds] => KernelsChild.Run(folder, Number(seconds)),
            [StepChild.Name, var config, var steps, var threads] => StepChild.Run(config, Number(steps), Number(threads)),
            [KMeansChild.Name, var procedure, var rows, var width, var clusters, var threads, var config] => KMeansChild.Run(procedure, Number(rows), Number(width), Number(clusters), Number(threads), config),
            [MemoryChild.Name, var config, var steps, var threads, var gradients] => MemoryChild.Run(config, Number(steps), Number(threads), gradients),
            _ => throw new ArgumentException($"No measurement {string.Join(' ', arguments)}"),
        };
        Console.WriteLine(result.ToJsonString());
        Console.In.ReadToEnd(); // until the parent has looked at the memory
        return 0;
    }

    static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Says that the warm-up is over.</summary>
    public static void Begin() => Console.WriteLine("""{"begin": true}""");
}
