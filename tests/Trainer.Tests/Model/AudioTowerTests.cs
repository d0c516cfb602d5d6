using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Model;

/// <summary>The way back that is written out for the CPU, beside autograd's in double precision.</summary>
public sealed class AudioTowerTests
{
    [Theory]
    [InlineData(2, 64, new[] { 16, 16, 32, 24, 8 })]
    [InlineData(3, 45, new[] { 3, 5, 8, 11, 19 })] // odd lengths, and widths that no vector of a processor divides
    [InlineData(5, 33, new[] { 4, 4, 4, 4, 4 })]
    public void Gradients_are_those_of_autograd(int clips, int frames, int[] widths)
    {
        using var scope = NewDisposeScope();
        var (tower, exact) = Towers(7, widths);
        var spectrogram = Random(clips, 7, frames, seed: 1);

        var output = tower.call(spectrogram);
        var expected = exact.call(spectrogram.@double());
        var seed = Random(clips, widths[^1], output.shape[2], seed: 2);
        Tape.Backward([output], [seed]);
        expected.backward([seed.@double()]);

        GoldenSet.Near(output, expected.to(ScalarType.Float32), 1e-5, "output");
        var compared = 0;
        foreach (var ((name, ours), (_, theirs)) in tower.named_parameters().Zip(exact.named_parameters()))
        {
            if (name.StartsWith("batchnorm1", StringComparison.Ordinal)) continue; // never applied
            GoldenSet.Near(ours.grad!, theirs.grad!.to(ScalarType.Float32), 1e-4, name);
            compared++;
        }

        Assert.Equal(3 * (1 + (4 * 5)), compared); // weight, scale and shift of each convolution
        foreach (var ((name, ours), (_, theirs)) in tower.named_buffers().Zip(exact.named_buffers()))
            GoldenSet.Near(ours.to(ScalarType.Float64), theirs.to(ScalarType.Float64), 1e-5, name);
    }

    /// <summary>
    /// With every shift at 3 hardly a ReLU is near its edge, and what bf16 changes is rounding: 0.2 % at each of some twenty roundings on a
    /// way, larger beside these maps' deviation than beside usual ones'. As weights are, one ReLU in a hundred ends up on its other side, and that moves the gradient by tens of
    /// per cent (docs/results.md, "bf16"), in any program: a wrong way back would not be seen among it.
    /// </summary>
    [Fact]
    public void In_bf16_gradients_are_those_of_autograd_in_double_precision_but_for_rounding()
    {
        using var scope = NewDisposeScope();
        var (tower, exact) = Towers(7, [16, 16, 24, 32, 32], ScalarType.BFloat16);
        using (no_grad())
        {
            using var three = 3.ToScalar();
            foreach (var shift in tower.parameters().Zip(exact.parameters()).Where(pair => pair.First.dim() == 1 && pair.First.requires_grad))
                if (shift.First.eq(Scalars.Zero).all().item<bool>()) (_, _) = (shift.First.fill_(three), shift.Second.fill_(three));
        }

        var spectrogram = Random(24, 7, 128, seed: 9);
        var output = tower.call(spectrogram);
        Assert.Equal(ScalarType.BFloat16, output.dtype);
        var expected = exact.call(spectrogram.@double());
        var seed = Random(24, 32, output.shape[2], seed: 10);
        Tape.Backward([output], [seed.to(ScalarType.BFloat16)]);
        expected.backward([seed.@double()]);

        GoldenSet.Near(output.to(ScalarType.Float32), expected.to(ScalarType.Float32), 0.005, "output");
        var distances = tower.named_parameters().Zip(exact.named_parameters()).Where(pair => pair.First.parameter.dim() == 4)
            .Select(pair => (pair.First.name, Distance: GoldenSet.Distance(pair.First.parameter.grad!, pair.Second.parameter.grad!.to(ScalarType.Float32)))).ToArray();
        Assert.Equal(1 + (4 * 5), distances.Length);
        Assert.All(distances, pair => Assert.InRange(pair.Distance, 1e-3, 0.08));
        foreach (var ((name, ours), (_, theirs)) in tower.named_buffers().Zip(exact.named_buffers()))
            GoldenSet.Near(ours.to(ScalarType.Float64), theirs.to(ScalarType.Float64), 0.005, name);
    }

    [Fact]
    public void With_and_without_graph_and_in_evaluation_the_same_kernels_run()
    {
        using var scope = NewDisposeScope();
        var (tower, exact) = Towers(7, [16, 16, 24, 8, 8]);
        var spectrogram = Random(2, 7, 50, seed: 3);
        var withGraph = tower.call(spectrogram);
        using (no_grad()) Assert.True(withGraph.equal(tower.call(spectrogram)).all().item<bool>());
        Tape.FreeLeft();

        exact.load_state_dict(tower.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.is_floating_point() ? pair.Value.@double() : pair.Value));
        tower.eval();
        exact.eval();
        using var noGrad = no_grad();
        GoldenSet.Near(tower.call(spectrogram), exact.call(spectrogram.@double()).to(ScalarType.Float32), 1e-5, "evaluation");
    }

    [Fact]
    public void A_fault_inside_the_way_back_is_thrown_to_the_caller_and_does_not_end_the_process()
    {
        using var scope = NewDisposeScope();
        var (tower, _) = Towers(7, [4, 4, 4, 4, 4]);
        var output = tower.call(Random(1, 7, 32, seed: 4));
        Tape.FreeLeft(); // what the way back needs is gone
        Assert.Throws<InvalidOperationException>(() => Tape.Backward([output], [ones_like(output)]));
        Assert.All(tower.parameters(), parameter => Assert.Null(parameter.grad));

        var again = tower.call(Random(1, 7, 32, seed: 4));
        Tape.Backward([again], [ones_like(again)]);
        Assert.All(tower.parameters().Where(parameter => parameter.requires_grad), parameter => Assert.NotNull(parameter.grad));
    }

    [Fact]
    public void What_a_forward_pass_kept_is_free_after_its_way_back_or_when_it_is_given_up()
    {
        using var scope = NewDisposeScope();
        var (tower, _) = Towers(7, [4, 4, 4, 4, 4]);
        var spectrogram = Random(1, 7, 32, seed: 5);
        Pass(back: true); // gradients are there from now on
        var before = Alive();
        Pass(back: true);
        Assert.Equal(before, Alive());
        Pass(back: false);
        Assert.True(Alive() > before);
        Tape.FreeLeft();
        Assert.Equal(before, Alive());

        void Pass(bool back)
        {
            using var inner = NewDisposeScope();
            var output = tower.call(spectrogram);
            if (back) Tape.Backward([output], [ones_like(output)]);
        }

        static long Alive() => DisposeScopeManager.Statistics.ThreadTotalLiveCount;
    }

    [Theory]
    [InlineData(2, 5, 3)]
    [InlineData(1, 8, 1)]
    [InlineData(3, 21, 10)]
    public void Moments_and_the_way_back_of_relu_are_those_of_a_loop(int clips, int channels, int frames)
    {
        using var scope = NewDisposeScope();
        var (a, b) = (Map(clips, channels, frames, 6), Map(clips, channels, frames, 7));
        var (sums, products) = SideBySide.Moments(a, b);
        var (x, y) = (a.@double().data<double>().ToArray(), b.@double().data<double>().ToArray());
        for (var channel = 0; channel < channels; channel++)
        {
            var places = Enumerable.Range(0, clips * frames).Select(i => (((i / frames) * channels) + channel) * frames + (i % frames)).ToArray();
            Assert.Equal(places.Sum(place => x[place]), sums[channel], 1e-12);
            Assert.Equal(places.Sum(place => x[place] * y[place]), products[channel], 1e-12);
        }

        SideBySide.Unrectify(a, b);
        Assert.Equal(x.Zip(y, (gradient, output) => output > 0 ? gradient : 0), a.@double().data<double>().ToArray());
    }

    static Tensor Map(int clips, int channels, int frames, int seed) => Random(clips, frames, channels, seed).transpose(1, 2);

    static Tensor Random(long clips, long rows, long columns, int seed) => randn([clips, rows, columns], generator: new Generator((ulong)seed));

    /// <summary>Two with the same weights: as asked for, and in double precision, where all is libtorch's.</summary>
    static (AudioTower Single, AudioTower Exact) Towers(int bands, int[] widths, ScalarType? compute = null)
    {
        var (single, exact) = (new AudioTower(bands, widths, compute), new AudioTower(bands, widths));
        using var noGrad = no_grad();
        var generator = new Generator(8);
        foreach (var weight in single.parameters().Where(parameter => parameter.dim() > 1)) weight.copy_(randn(weight.shape, generator: generator));
        exact.load_state_dict(single.state_dict());
        exact.to(ScalarType.Float64);
        return (single, exact);
    }
}
