namespace Mcn.Web.Bench;

/// <summary>
/// Dense peak rates of boards, as NVIDIA's data sheets give them (A100 2020, H100 SXM 2022, H200 2023), for "share of peak". A board or a
/// processor that is not here has no share.
/// </summary>
static class DevicePeak
{
    static readonly (string Board, double Fp32, double Tf32, double Bf16)[] Boards =
    [
        ("A100", 19.5, 156, 312),
        ("H100", 67, 495, 989),
        ("H200", 67, 495, 989),
    ];

    /// <summary>TFLOP/s of one board; null: not known.</summary>
    /// <param name="name">As NVML gives it: `NVIDIA A100-SXM4-40GB`.</param>
    /// <param name="precision">`fp32`, `tf32` or `bf16`.</param>
    public static double? Of(string name, string precision)
    {
        foreach (var (board, fp32, tf32, bf16) in Boards)
            if (name.Contains(board, StringComparison.Ordinal)) return precision switch { "tf32" => tf32, "bf16" => bf16, _ => fp32 };
        return null;
    }
}
