using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>
/// DAVEnet: a residual network over time (mcn-spec §4.4). (n, mel, T) → (n, A, T') with T' = T halved four times, rounding up.
/// The original writes it with 2-d convolutions of height 1; here they are 1-d (the same numbers), while the parameters keep the
/// original's 4-d shapes and names.
/// </summary>
/// <remarks>
/// Nearly all of a step is spent in here. On a GPU, in bf16 and in double the way back is autograd's. In single precision on the CPU the maps
/// have a frame's channels side by side in memory, the fast layout of oneDNN's convolutions, and the way back is written out
/// (<see cref="AudioTowerFunction"/>), because oneDNN's own is the slow part there.
/// </remarks>
public sealed class AudioTower : nn.Module<Tensor, Tensor>
{
    /// <summary>From this width on oneDNN's kernels for channels side by side are slower than its others; the published network has 1,024.</summary>
    const int TooWideSideBySide = 1024;

    readonly TimeConvolution conv1;
    readonly BatchNorm bn1;
    readonly ResidualLayer[] layers;
    readonly Parameter[] trained;

    /// <param name="melBands">Height of the spectrogram.</param>
    /// <param name="widths">Five widths: stem, then the four layers; published: 128, 128, 256, 512, 1024.</param>
    /// <param name="compute"><see cref="Arithmetic"/>; the maps between the convolutions have this type too, statistics are in single precision.</param>
    public AudioTower(int melBands, IReadOnlyList<int> widths, ScalarType? compute = null)
        : base("DAVEnet")
    {
        // Exists in every published checkpoint but is never applied and never gets a gradient (mcn-spec §4.4).
        register_module("batchnorm1", new BatchNorm(1, trainable: false));
        var arithmetic = new TimeConvolution.Kind(compute, SideBySide: compute is null && widths.Max() < TooWideSideBySide);
        conv1 = new TimeConvolution([widths[0], 1, melBands, 1], stride: 1, arithmetic);
        bn1 = new BatchNorm(widths[0]);
        layers = [.. Enumerable.Range(1, 4).Select(i => new ResidualLayer(widths[i - 1], widths[i], arithmetic))];
        for (var i = 0; i < layers.Length; i++) register_module($"layer{i + 1}", layers[i]);
        RegisterComponents();
        trained = [.. parameters().Where(parameter => parameter.requires_grad)];
    }

    public override Tensor forward(Tensor spectrogram) => training && is_grad_enabled() && conv1.IsSideBySide(spectrogram)
        ? AudioTowerFunction.Through(this, spectrogram, trained)
        : Run(spectrogram);

    /// <summary>All layers; kept on the tape that records on this thread, if one does.</summary>
    internal Tensor Run(Tensor spectrogram)
    {
        // A scope for each block: what autograd does not keep is free at once, which is most of the memory of an evaluation.
        using var scope = NewDisposeScope();
        var x = Rectify(bn1.call(conv1.call(spectrogram)));
        foreach (var layer in layers)
        {
            var next = layer.call(x);
            x.Dispose();
            x = next;
        }

        return x.MoveToOuterDisposeScope();
    }

    /// <summary>The way back of what a tape has heard, into its gradients of all trained parameters. None goes to the spectrogram.</summary>
    /// <param name="gradient">(n, A, T'), channels side by side; used up, as every gradient that a layer is given on the way back.</param>
    internal void Backward(Tensor gradient, Tape tape)
    {
        foreach (var layer in layers.Reverse()) gradient = layer.Backward(gradient, tape);
        using var last = bn1.Backward(Unrectify(gradient, tape), tape);
        conv1.BackwardToWeight(last, tape);
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

    /// <summary>ReLU, in place.</summary>
    static Tensor Rectify(Tensor x)
    {
        x.relu_();
        Tape.Recording?.Keep(x);
        return x;
    }

    /// <summary>Its way back, in place.</summary>
    static Tensor Unrectify(Tensor gradient, Tape tape)
    {
        using var output = tape.Take();
        SideBySide.Unrectify(gradient, output);
        return gradient;
    }

    /// <summary>Two basic blocks; the first halves the time axis and has a projected shortcut.</summary>
    sealed class ResidualLayer : nn.Module<Tensor, Tensor>
    {
        [ComponentName(Name = "0")] readonly BasicBlock first;
        [ComponentName(Name = "1")] readonly BasicBlock second;

        public ResidualLayer(long inputs, long width, TimeConvolution.Kind arithmetic)
            : base(nameof(ResidualLayer))
        {
            first = new BasicBlock(inputs, width, stride: 2, arithmetic);
            second = new BasicBlock(width, width, stride: 1, arithmetic);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            return second.call(first.call(x)).MoveToOuterDisposeScope();
        }

        public Tensor Backward(Tensor gradient, Tape tape) => first.Backward(second.Backward(gradient, tape), tape);
    }

    sealed class BasicBlock : nn.Module<Tensor, Tensor>
    {
        readonly TimeConvolution conv1;
        readonly BatchNorm bn1;
        readonly TimeConvolution conv2;
        readonly BatchNorm bn2;
        [ComponentName(Name = "downsample")] readonly Shortcut? shortcut;

        public BasicBlock(long inputs, long width, long stride, TimeConvolution.Kind arithmetic)
            : base(nameof(BasicBlock))
        {
            conv1 = new TimeConvolution([width, inputs, 1, 9], stride, arithmetic);
            bn1 = new BatchNorm(width);
            conv2 = new TimeConvolution([width, width, 1, 9], stride: 1, arithmetic);
            bn2 = new BatchNorm(width);
            shortcut = stride == 1 ? null : new Shortcut(inputs, width, stride, arithmetic);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var y = Rectify(bn1.call(conv1.call(x)));
            y = bn2.call(conv2.call(y));
            return Rectify(y.add_(shortcut is null ? x : shortcut.call(x), Scalars.One)).MoveToOuterDisposeScope();
        }

        public Tensor Backward(Tensor gradient, Tape tape)
        {
            var copy = tape.Copy(Unrectify(gradient, tape));
            using var around = shortcut is null ? copy : shortcut.Backward(copy, tape);
            gradient = Unrectify(conv2.Backward(bn2.Backward(gradient, tape), tape), tape);
            gradient = conv1.Backward(bn1.Backward(gradient, tape), tape);
            conv1.EveryStride(gradient).add_(around, Scalars.One);
            return gradient;
        }
    }

    sealed class Shortcut : nn.Module<Tensor, Tensor>
    {
        [ComponentName(Name = "0")] readonly TimeConvolution projection;
        [ComponentName(Name = "1")] readonly BatchNorm norm;

        public Shortcut(long inputs, long width, long stride, TimeConvolution.Kind arithmetic)
            : base(nameof(Shortcut))
        {
            projection = new TimeConvolution([width, inputs, 1, 1], stride, arithmetic);
            norm = new BatchNorm(width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => norm.call(projection.call(x));

        /// <returns>Of the frames that the stride leaves, (n, in, t/stride).</returns>
        public Tensor Backward(Tensor gradient, Tape tape) => projection.Backward(norm.Backward(gradient, tape), tape);
    }
}
