using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Planning;

/// <summary>
/// What the network weighs, from its configuration alone: nothing is built. Elements, not bytes. Tests hold the counts to the
/// network itself.
/// </summary>
public sealed class NetworkSize
{
    const int BatchNormBuffers = 2; // running mean and variance, a value a channel each

    readonly ModelConfig model;

    public NetworkSize(ModelConfig model)
    {
        this.model = model;
        (Parameters, Buffers) = Count();
    }

    /// <summary>P: trainable and untrained parameters; 223,776,770 at the published sizes (mcn-spec §4).</summary>
    public long Parameters { get; }

    /// <summary>Values of the BatchNorm statistics (counters left out).</summary>
    public long Buffers { get; }

    /// <summary>A: width of the audio tower's output.</summary>
    int AudioWidth => model.LayerWidths[^1];

    /// <summary>
    /// What the backward pass of one clip's audio tower needs: the input, each convolution's output (BatchNorm's input) and each
    /// ReLU's output (the next convolution's input).
    /// </summary>
    /// <param name="frames">T of the clip.</param>
    public long AudioActivations(int frames)
    {
        long elements = ((long)model.MelBands * frames) + (2L * model.LayerWidths[0] * frames);
        foreach (var (_, width, time) in Layers(frames))
            elements += 9L * width * time; // two blocks of two pairs, and the projection of the shortcut

        return elements;
    }

    /// <summary>Largest single map of the audio tower, the size of its temporaries.</summary>
    public long LargestMap(int frames) => Layers(frames).Select(layer => layer.Width * layer.Time).Prepend((long)model.LayerWidths[0] * frames).Max();

    /// <summary>
    /// What the backward pass of one clip needs beyond the audio tower: gates, pooled words (values and 64-bit indices),
    /// reconstruction heads.
    /// </summary>
    public long HeadActivations()
    {
        long d = model.EmbdDim, a = AudioWidth, v = model.FeatureDim, r = model.ReconSize;
        var towers = v + (3 * d) + (5 * a) + d + (2 * d) + (4 * d);
        var heads = model.Recon ? (3 * r) + (2 * (v + a + d)) : 0;
        return towers + heads;
    }

    /// <summary>Bytes of both for one clip.</summary>
    /// <param name="half">In bf16: the tower's maps are half as large; a linear layer keeps its input in bf16 beside the single precision.</param>
    public long ActivationBytes(int frames, bool half) => half
        ? (AudioActivations(frames) * sizeof(short)) + (HeadActivations() * (sizeof(float) + sizeof(short)))
        : (AudioActivations(frames) + HeadActivations()) * sizeof(float);

    /// <summary>Multiply-adds of one clip's forward pass: 3.995 G + 0.214 G at the published sizes and 1000 frames.</summary>
    /// <param name="words">W: word positions of a clip.</param>
    public long MultiplyAdds(int frames, int words)
    {
        long d = model.EmbdDim, a = AudioWidth, v = model.FeatureDim, r = model.ReconSize;
        var audio = (long)model.MelBands * model.LayerWidths[0] * frames;
        foreach (var (inputs, width, time) in Layers(frames))
            audio += ((9L * inputs * width) + (27L * width * width) + ((long)inputs * width)) * time;

        var heads = (v * d) + (d * d) + (2 * a * a) + (a * d) + (words * model.WeDim * d) + (2 * d * d);
        if (model.Recon) heads += (3 * d * r) + (r * (v + a + d));
        return audio + heads;
    }

    /// <summary>The four layers: channels in, channels out, time steps after the stride.</summary>
    IEnumerable<(int Inputs, int Width, long Time)> Layers(int frames)
    {
        long time = frames;
        for (var i = 1; i < model.LayerWidths.Count; i++)
        {
            time = (time + 1) / 2;
            yield return (model.LayerWidths[i - 1], model.LayerWidths[i], time);
        }
    }

    (long Parameters, long Buffers) Count()
    {
        long d = model.EmbdDim, a = AudioWidth, v = model.FeatureDim, r = model.ReconSize, stem = model.LayerWidths[0];
        long parameters = 2 + (model.MelBands * stem) + (2 * stem), channels = 1 + stem;
        foreach (var (inputs, width, _) in Layers(1))
        {
            parameters += (9L * inputs * width) + (27L * width * width) + ((long)inputs * width) + (10L * width);
            channels += 5L * width;
        }

        parameters += Linear(a, a) + Linear(a, a) + Linear(a, d);
        parameters += Linear(v, d) + Linear(d, d);
        parameters += Linear(model.WeDim, d) + Linear(d, d) + Linear(d, d);
        if (model.Recon) parameters += (3 * Linear(d, r)) + Linear(r, v) + Linear(r, a) + Linear(r, d);
        return (parameters, BatchNormBuffers * channels);
    }

    static long Linear(long inputs, long outputs) => (inputs + 1) * outputs;
}
