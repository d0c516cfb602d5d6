using Mcn.Web.Bench;

// Benchmarks, one command each: `./mcn bench NAME`. Every one prints its figures and the machine beside them.
return args switch
{
    ["digits-3m", .. var rest] => TrainingQuality.Run("digits-3m", "deploy/config/digits-3m.json", rest),
    ["sample", .. var rest] => TrainingQuality.Run("sample", "deploy/config/sample.json", rest),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("bench: expected one of: digits-3m, sample. Options: --seeds 1,2,3  --set key=value  --json");
    return 2;
}
