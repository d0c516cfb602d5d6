using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Parity;

/// <summary>
/// Weights and inputs of the published-size check, from a formula instead of a gigabyte of file (golden README, "Formula weights").
/// u(i, s) is uniform in [-0.5, 0.5), a hash of the element's flat index and a seed; everything is computed in double and stored in single.
/// </summary>
static class FormulaWeights
{
    const double Range = 4294967296.0;

    /// <summary>u(i, s).</summary>
    public static double Uniform(uint index, uint seed)
    {
        unchecked
        {
            var x = (index * 2654435761u) + (seed * 40503u) + 12345u;
            x ^= x >> 16;
            x *= 2246822519u;
            x ^= x >> 13;
            x *= 3266489917u;
            x ^= x >> 16;
            return (x / Range) - 0.5;
        }
    }

    /// <summary>Fills one parameter.</summary>
    /// <param name="name">The original's name, which decides the scale.</param>
    /// <param name="inputs">Inputs of the linear layer that it belongs to; unused for convolutions and BatchNorm.</param>
    public static void Fill(Tensor parameter, string name, uint seed, long inputs)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        parameter.copy_(tensor(Values((int)parameter.NumberOfElements, seed, Rule(name, parameter.shape, inputs)), parameter.shape));
    }

    /// <summary>Values of a function of u, in parallel.</summary>
    public static float[] Values(int count, uint seed, Func<double, double> value)
    {
        var values = new float[count];
        Parallel.For(0, (count + Chunk - 1) / Chunk, chunk =>
        {
            for (var i = chunk * Chunk; i < Math.Min(count, (chunk + 1) * Chunk); i++) values[i] = (float)value(Uniform((uint)i, seed));
        });
        return values;
    }

    const int Chunk = 1 << 16;

    static Func<double, double> Rule(string name, long[] shape, long inputs)
    {
        if (shape.Length == 4)
        {
            var scale = Math.Sqrt(12) * Math.Sqrt(2.0 / (shape[2] * shape[3] * shape[0]));
            return u => u * scale;
        }

        if (name.StartsWith("DAVEnet.", StringComparison.Ordinal))
            return name.EndsWith(".weight", StringComparison.Ordinal) ? u => 1 + (0.2 * u) : u => 0.2 * u;

        var factor = name switch
        {
            "GU_video.fc.weight" => 8.0,
            "GU_text_captions.fc.weight" or "DAVEnet_projection.weight" or "text_pooling_caption.fc.weight" => 4.0,
            _ => 1.0,
        };
        var root = Math.Sqrt(inputs);
        return u => 2 * u / root * factor;
    }
}
