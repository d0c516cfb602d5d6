using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Model;

public sealed class ArithmeticTests
{
    const ScalarType Half = ScalarType.BFloat16;

    /// <summary>One rounding to 8 bits of fraction moves a number by at most 2^-9.</summary>
    const double OneRounding = 1.0 / 512;

    /// <summary>Numbers of one sign: what is added up in 8 bits stands still when the sum is 256 times what is to be added.</summary>
    [Fact]
    public void In_bf16_a_gradient_in_a_weight_is_added_up_in_single_precision_and_rounded_once()
    {
        using var scope = NewDisposeScope();
        var (x, gradient) = (Positive(1, 512, 6, 96), Positive(2, 512, 5, 96));
        var layer = new TimeConvolution([5, 6, 1, 9], stride: 1, new(Half, SideBySide: false));
        var weight = layer.parameters().Single();
        layer.call(x).backward([gradient]);

        var exact = zeros_like(weight, ScalarType.Float64).view(5, 6, 9).requires_grad_();
        nn.functional.conv1d(x.@double(), exact, null, 1, 4, 1).backward([gradient.@double()]);
        GoldenSet.Near(weight.grad!.view(5, 6, 9), exact.grad!.to(ScalarType.Float32), OneRounding, "convolution");

        var linear = nn.Linear(6, 5);
        var (rows, ofRows) = (Positive(3, 4096, 6), Positive(4, 4096, 5));
        linear.Apply(rows, Half).backward([ofRows.to(ScalarType.Float32)]);
        GoldenSet.Near(linear.weight!.grad!, ofRows.@double().t().mm(rows.@double()).to(ScalarType.Float32), OneRounding, "linear layer");
        GoldenSet.Near(linear.bias!.grad!, ofRows.@double().sum([0L]).to(ScalarType.Float32), OneRounding, "its bias");
    }

    [Theory]
    [InlineData(9, 1)]
    [InlineData(9, 2)]
    [InlineData(1, 2)]
    public void In_bf16_a_convolution_is_of_rounded_numbers_and_its_result_is_rounded_once(int taps, int stride)
    {
        using var scope = NewDisposeScope();
        var x = randn([3, 6, 40], generator: new Generator(5));
        var layer = new TimeConvolution([5, 6, 1, taps], stride, new(Half, SideBySide: false));
        var weight = layer.parameters().Single();
        var y = layer.call(x);
        var exact = nn.functional.conv1d(x.to(Half).@double(), weight.view(5, 6, taps).to(Half).@double(), null, stride, taps / 2, 1).to(Half);
        Assert.Equal(Half, y.dtype);
        Assert.Equal(ScalarType.Float32, weight.dtype);
        Assert.InRange(y.ne(exact).sum().item<long>() / (double)y.NumberOfElements, 0, 0.005); // sums in another order fall on the other side of an edge now and then
        GoldenSet.Near(y.to(ScalarType.Float32), exact.to(ScalarType.Float32), 1e-3, "result");
    }

    static Tensor Positive(int seed, params long[] shape) => rand(shape, generator: new Generator((ulong)seed)).to(Half);
}
