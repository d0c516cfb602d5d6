using System.Runtime.InteropServices;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Sample;

/// <summary>Numbers as an array to be written.</summary>
static class SampleArrays
{
    public static HostArray Of(ArrayType type, long[] shape, ReadOnlySpan<float> values)
    {
        if (type == ArrayType.Float32) return new HostArray(type, shape, MemoryMarshal.AsBytes(values).ToArray());
        var halves = new Half[values.Length];
        for (var i = 0; i < halves.Length; i++) halves[i] = (Half)values[i];
        return new HostArray(ArrayType.Float16, shape, MemoryMarshal.AsBytes(halves.AsSpan()).ToArray());
    }
}
