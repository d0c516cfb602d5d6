using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>
/// DAVEnet: a residual network over time (mcn-spec §4.4). (n, mel, T) → (n, A, T') with T' = T halved four times, rounding up.
/// The original writes it with 2-d convolutions of height 1; here they are 1-d (the same numbers), while the parameters keep the original's 4-d shapes and names.
/// </summary>
public sealed class AudioTower : nn.Module<Tensor, Tensor>
{
    readonly TimeConvolution conv1;
    readonly BatchNorm bn1;
    readonly ResidualLayer[] layers;

    /// <param name="melBands">Height of the spectrogram.</param>
    /// <param name="widths">Five widths: stem, then the four layers; published: 128, 128, 256, 512, 1024.</param>
    /// <param name="compute"><see cref="Arithmetic"/>; the maps between the convolutions have this type too, statistics are in single precision.</param>
    public AudioTower(int melBands, IReadOnlyList<int> widths, ScalarType? compute = null)
        : base("DAVEnet")
    {
        // Exists in every published checkpoint but is never applied and never gets a gradient (mcn-spec §4.4).
        register_module("batchnorm1", new BatchNorm(1, trainable: false));
        conv1 = new TimeConvolution([widths[0], 1, melBands, 1], stride: 1, compute);
        bn1 = new BatchNorm(widths[0]);
        layers = [.. Enumerable.Range(1, 4).Select(i => new ResidualLayer(widths[i - 1], widths[i], compute))];
        for (var i = 0; i < layers.Length; i++) register_module($"layer{i + 1}", layers[i]);
        RegisterComponents();
    }

    public override Tensor forward(Tensor spectrogram)
    {
        // A scope for each block: what autograd does not keep is free at once, which is most of the memory of an evaluation.
        using var scope = NewDisposeScope();
        var x = bn1.call(conv1.call(spectrogram)).relu_();
        foreach (var layer in layers)
        {
            var next = layer.call(x);
            x.Dispose();
            x = next;
        }

        return x.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// (n, A, T') → (n, A). Training averages over every position, padding included (spec Q9); evaluation over the positions of
    /// the valid frames: ratio = round(T/T'), first max(1, frames div ratio) positions.
    /// </summary>
    /// <param name="inputFrames">T, the padded length of the spectrogram.</param>
    /// <param name="everyPosition">As in training.</param>
    public static Tensor PoolOverTime(Tensor features, Tensor frameCounts, long inputFrames, bool everyPosition)
    {
        if (everyPosition) return features.mean([2]);
        var positions = features.shape[2];
        var ratio = (long)Math.Round(inputFrames / (double)positions, MidpointRounding.ToEven);
        using var framesPerPosition = ratio.ToScalar();
        using var last = positions.ToScalar();
        var valid = frameCounts.div(framesPerPosition, RoundingMode.trunc).clamp(Scalars.One, last);
        var mask = arange(Scalars.Zero, last, Scalars.One, ScalarType.Int64, features.device).unsqueeze(0).lt(valid.unsqueeze(1));
        return (features * mask.unsqueeze(1)).sum([2L]) / valid.unsqueeze(1);
    }

    /// <summary>Two basic blocks; the first halves the time axis and has a projected shortcut.</summary>
    sealed class ResidualLayer : nn.Module<Tensor, Tensor>
    {
        [ComponentName(Name = "0")] readonly BasicBlock first;
        [ComponentName(Name = "1")] readonly BasicBlock second;

        public ResidualLayer(long inputs, long width, ScalarType? compute)
            : base(nameof(ResidualLayer))
        {
            first = new BasicBlock(inputs, width, stride: 2, compute);
            second = new BasicBlock(width, width, stride: 1, compute);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            return second.call(first.call(x)).MoveToOuterDisposeScope();
        }
    }

    sealed class BasicBlock : nn.Module<Tensor, Tensor>
    {
        readonly TimeConvolution conv1;
        readonly BatchNorm bn1;
        readonly TimeConvolution conv2;
        readonly BatchNorm bn2;
        [ComponentName(Name = "downsample")] readonly Shortcut? shortcut;

        public BasicBlock(long inputs, long width, long stride, ScalarType? compute)
            : base(nameof(BasicBlock))
        {
            conv1 = new TimeConvolution([width, inputs, 1, 9], stride, compute);
            bn1 = new BatchNorm(width);
            conv2 = new TimeConvolution([width, width, 1, 9], stride: 1, compute);
            bn2 = new BatchNorm(width);
            shortcut = stride == 1 ? null : new Shortcut(inputs, width, stride, compute);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var y = bn1.call(conv1.call(x)).relu_();
            y = bn2.call(conv2.call(y));
            return y.add_(shortcut is null ? x : shortcut.call(x), Scalars.One).relu_().MoveToOuterDisposeScope();
        }
    }

    sealed class Shortcut : nn.Module<Tensor, Tensor>
    {
        [ComponentName(Name = "0")] readonly TimeConvolution projection;
        [ComponentName(Name = "1")] readonly BatchNorm norm;

        public Shortcut(long inputs, long width, long stride, ScalarType? compute)
            : base(nameof(Shortcut))
        {
            projection = new TimeConvolution([width, inputs, 1, 1], stride, compute);
            norm = new BatchNorm(width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => norm.call(projection.call(x));
    }

    /// <summary>A convolution over time without bias; the weight keeps the 2-d shape (out, in or 1, height, kernel).</summary>
    sealed class TimeConvolution : nn.Module<Tensor, Tensor>
    {
        readonly Parameter weight;
        readonly long[] weightOverTime;
        readonly long stride;
        readonly ScalarType? compute;

        public TimeConvolution(long[] shape, long stride, ScalarType? compute)
            : base(nameof(TimeConvolution))
        {
            using var deviation = Math.Sqrt(2.0 / (shape[2] * shape[3] * shape[0])).ToScalar();
            weight = new Parameter(randn(shape).mul_(deviation));
            weightOverTime = [shape[0], shape[1] * shape[2], shape[3]];
            this.stride = stride;
            this.compute = compute;
            register_parameter("weight", weight);
        }

        public override Tensor forward(Tensor x)
        {
            var kernel = weight.view(weightOverTime);
            if (compute is { } type) (x, kernel) = (x.to(type), kernel.to(type));
            return nn.functional.conv1d(x, kernel, null, stride, weightOverTime[2] / 2, 1);
        }
    }
}
