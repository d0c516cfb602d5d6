using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Import;

/// <summary>Small arrays and the check of refusals, for the tests of this folder.</summary>
internal static class Arrays
{
    public static HostArray Singles(long[] shape, params float[] values) => Of(ArrayType.Float32, shape, values);

    public static HostArray Of<T>(ArrayType type, long[] shape, params T[] values)
        where T : struct => new(type, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    /// <summary>The message of the UserError that an action ends with; it must contain the words.</summary>
    public static string Refused(Action action, params string[] words)
    {
        var message = Assert.Throws<UserError>(action).Message;
        foreach (var word in words) Assert.Contains(word, message, StringComparison.Ordinal);
        return message;
    }
}
