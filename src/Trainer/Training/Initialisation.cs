using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Model;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Starting weights as a pure function of (seed, place of the parameter), with the original's distributions (mcn-spec §4.7):
/// linear layers uniform in ±1/√fan_in, weight and bias; convolutions normal with deviation √(2/(kh·kw·out)); batch
/// normalisation 1 and 0. Not from libtorch's global generator, which every thread of the process shares.
/// </summary>
static class Initialisation
{
    public static void Apply(McnNetwork network, long seed)
    {
        using var noGrad = no_grad();
        var parameters = network.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);
        foreach (var (name, place) in parameters.Keys.Order(StringComparer.Ordinal).Select((name, place) => (name, place)))
        {
            var weight = parameters[name.EndsWith(".bias", StringComparison.Ordinal) ? name[..^"bias".Length] + "weight" : name];
            if (weight.dim() == 1) continue; // batch normalisation
            var random = new CounterRandom(seed, RandomPurpose.Initialisation, place);
            Fill(parameters[name], weight.dim() == 4 ? Normal(random, Deviation(weight.shape)) : Uniform(random, 1 / Math.Sqrt(weight.shape[1])));
        }
    }

    static double Deviation(long[] shape) => Math.Sqrt(2.0 / (shape[2] * shape[3] * shape[0]));

    static Func<double> Uniform(CounterRandom random, double bound) => () => bound * ((2 * random.NextDouble()) - 1);

    /// <summary>Box-Muller, of which one value is used: simple, and every number stays a function of its place.</summary>
    static Func<double> Normal(CounterRandom random, double deviation) => () =>
        deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    static void Fill(Tensor parameter, Func<double> next)
    {
        using var scope = NewDisposeScope();
        var values = new float[parameter.NumberOfElements];
        for (var i = 0; i < values.Length; i++) values[i] = (float)next();
        parameter.copy_(tensor(values, parameter.shape));
    }
}
