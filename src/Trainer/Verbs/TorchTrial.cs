using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>
/// The doctor's child: loads libtorch and computes what is known beforehand, on the CPU and, when asked, on every GPU. It prints a line before and after
/// each device, so that whoever reads knows on which one it died or hung. No GPU has been seen by us: that part has never run on one.
/// </summary>
static class TorchTrial
{
    const int N = 256;
    const int Repeats = 10;
    const long BoardFloats = 64L << 20; // 256 MiB

    public static int Run(bool gpu, TextWriter output)
    {
        var devices = gpu && cuda.is_available() ? cuda.device_count() : 0;
        Say(output, new() { ["libtorch"] = torch.__version__, ["devices"] = devices });
        var right = true;
        foreach (var device in Enumerable.Range(0, devices).Select(number => string.Create(CultureInfo.InvariantCulture, $"cuda:{number}")).Prepend("cpu"))
        {
            Say(output, new() { ["device"] = device, ["done"] = false });
            var began = Stopwatch.GetTimestamp();
            var error = Compute(device);
            Say(output, new() { ["device"] = device, ["done"] = true, ["error"] = error, ["milliseconds"] = Stopwatch.GetElapsedTime(began).TotalMilliseconds });
            right &= error is null;
        }

        return right ? ExitCodes.Done : ExitCodes.Fails;
    }

    /// <summary>Small whole numbers: every product and sum is exact in single precision and in TF32, whatever the order.</summary>
    static string? Compute(string name)
    {
        try
        {
            using var scope = NewDisposeScope();
            var device = torch.device(name);
            var (left, right) = (Whole((row, column) => ((row + (2 * column)) % 7) - 3), Whole((row, column) => (((3 * row) + column) % 5) - 2));
            var expected = Product(left, right);
            var (a, b) = (torch.tensor(left).reshape(N, N).to(device), torch.tensor(right).reshape(N, N).to(device));
            for (var i = 0; i < Repeats; i++)
            {
                var wrong = a.mm(b).cpu().data<float>().ToArray().Zip(expected).Count(pair => pair.First != pair.Second);
                if (wrong > 0) return $"{wrong} of {N * N} elements of a product of two matrices are wrong";
            }

            return name == "cpu" || torch.ones(BoardFloats, device: device).sum(ScalarType.Float64).cpu().item<double>() == BoardFloats ? null : "memory of 256 MiB does not hold what was written";
        }
        catch (Exception error) when (error is System.Runtime.InteropServices.ExternalException or InvalidOperationException or NotSupportedException)
        {
            return error.Message.Split('\n')[0];
        }
    }

    static float[] Whole(Func<int, int, int> value) => [.. from row in Enumerable.Range(0, N) from column in Enumerable.Range(0, N) select (float)value(row, column)];

    static float[] Product(float[] left, float[] right)
    {
        var product = new float[N * N];
        for (var row = 0; row < N; row++)
            for (var k = 0; k < N; k++)
                for (var column = 0; column < N; column++)
                    product[(row * N) + column] += left[(row * N) + k] * right[(k * N) + column];
        return product;
    }

    static void Say(TextWriter output, JsonObject line)
    {
        output.WriteLine(line.ToJsonString());
        output.Flush();
    }
}
