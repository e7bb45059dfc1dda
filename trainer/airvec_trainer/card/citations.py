"""What to cite for a loss: the paper that it comes from, as BibTeX, by the name of its class.

Knows nothing of what a loss computes.
"""

__all__ = ["SENTENCE_BERT", "citation_of"]


def _arxiv(key: str, author: str, title: str, year: int, number: str, subject: str) -> str:
    return _entry(
        "misc", key, {
            "title": title, "author": author, "year": str(year), "eprint": number, "archivePrefix": "arXiv",
            "primaryClass": subject, "url": f"https://arxiv.org/abs/{number}",
        },
    )  # fmt: skip


def _proceedings(key: str, author: str, title: str, year: int, booktitle: str, url: str = "") -> str:
    fields = {"title": title, "author": author, "booktitle": booktitle, "year": str(year)}
    return _entry("inproceedings", key, fields | ({"url": url} if url else {}))


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    """One entry of BibTeX.

    >>> print(_entry("misc", "a2020", {"title": "A"}))
    @misc{a2020,
        title = {A},
    }
    """
    lines = [f"    {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


SENTENCE_BERT = _proceedings(
    "reimers-2019-sentence-bert", "Reimers, Nils and Gurevych, Iryna",
    "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks", 2019,
    "Proceedings of the 2019 Conference on Empirical Methods in Natural Language Processing",
    "https://arxiv.org/abs/1908.10084",
)  # fmt: skip
CPC = _arxiv(
    "oord2018representation", "van den Oord, Aaron and Li, Yazhe and Vinyals, Oriol",
    "Representation Learning with Contrastive Predictive Coding", 2018, "1807.03748", "cs.LG",
)  # fmt: skip
GRADIENT_CACHE = _arxiv(
    "gao2021scaling", "Gao, Luyu and Zhang, Yunyi and Han, Jiawei and Callan, Jamie",
    "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", 2021, "2101.06983", "cs.LG",
)  # fmt: skip
GIST = _arxiv(
    "solatorio2024gistembed", "Solatorio, Aivin V.",
    "GISTEmbed: Guided In-sample Selection of Training Negatives for Text Embedding Fine-tuning", 2024,
    "2402.16829", "cs.LG",
)  # fmt: skip
COSENT = _entry(
    "article", "huang2024cosent", {
        "title": "CoSENT: Consistent Sentence Embedding via Similarity Ranking",
        "author": "Huang, Xiang and Peng, Hao and Zou, Dongcheng and Liu, Zhiwei and Li, Jianxin and Liu, Kay and "
        "Wu, Jia and Su, Jianlin and Yu, Philip S.",
        "journal": "IEEE/ACM Transactions on Audio, Speech, and Language Processing", "year": "2024",
        "doi": "10.1109/TASLP.2024.3402087",
    },
)  # fmt: skip
ANGLE = _proceedings(
    "li-li-2024-aoe", "Li, Xianming and Li, Jing",
    "AoE: Angle-optimized Embeddings for Semantic Textual Similarity", 2024,
    "Proceedings of the 62nd Annual Meeting of the Association for Computational Linguistics",
    "https://aclanthology.org/2024.acl-long.101/",
)  # fmt: skip
INVARIANT_MAPPING = _proceedings(
    "hadsell2006dimensionality", "Hadsell, Raia and Chopra, Sumit and LeCun, Yann",
    "Dimensionality Reduction by Learning an Invariant Mapping", 2006,
    "IEEE Computer Society Conference on Computer Vision and Pattern Recognition",
    "https://doi.org/10.1109/CVPR.2006.100",
)  # fmt: skip
TRIPLETS = _arxiv(
    "hermans2017defense", "Hermans, Alexander and Beyer, Lucas and Leibe, Bastian",
    "In Defense of the Triplet Loss for Person Re-Identification", 2017, "1703.07737", "cs.CV",
)  # fmt: skip
SUPERVISED_CONTRASTIVE = _proceedings(
    "khosla2020supervised", "Khosla, Prannay and Teterwak, Piotr and Wang, Chen and Sarna, Aaron and Tian, "
    "Yonglong and Isola, Phillip and Maschinot, Aaron and Liu, Ce and Krishnan, Dilip",
    "Supervised Contrastive Learning", 2020, "Advances in Neural Information Processing Systems", "https://arxiv.org/abs/2004.11362",
)  # fmt: skip
PARANMT = _proceedings(
    "wieting-gimpel-2018-paranmt", "Wieting, John and Gimpel, Kevin",
    "ParaNMT-50M: Pushing the Limits of Paraphrastic Sentence Embeddings with Millions of Machine Translations", 2018,
    "Proceedings of the 56th Annual Meeting of the Association for Computational Linguistics",
    "https://aclanthology.org/P18-1042",
)  # fmt: skip
MULTILINGUAL = _proceedings(
    "reimers-2020-multilingual-sentence-bert", "Reimers, Nils and Gurevych, Iryna",
    "Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation", 2020,
    "Proceedings of the 2020 Conference on Empirical Methods in Natural Language Processing",
    "https://arxiv.org/abs/2004.09813",
)  # fmt: skip
EMBED_DISTILL = _arxiv(
    "kim2023embeddistill",
    "Kim, Seungyeon and Rawat, Ankit Singh and Zaheer, Manzil and Jayasumana, Sadeep and Sadhanala, Veeranjaneyulu "
    "and Jitkrittum, Wittawat and Menon, Aditya Krishna and Fergus, Rob and Kumar, Sanjiv",
    "EmbedDistill: A Geometric Knowledge Distillation for Information Retrieval", 2023, "2301.12005", "cs.IR",
)  # fmt: skip
MARGINS = _arxiv(
    "hofstaetter2020improving",
    "Hofstätter, Sebastian and Althammer, Sophia and Schröder, Michael and Sertkan, Mete and Hanbury, Allan",
    "Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge Distillation", 2020, "2010.02666",
    "cs.IR",
)  # fmt: skip
COUPLED_TEACHERS = _arxiv(
    "lin2020distilling", "Lin, Sheng-Chieh and Yang, Jheng-Hong and Lin, Jimmy",
    "Distilling Dense Representations for Ranking using Tightly-Coupled Teachers", 2020, "2010.11386", "cs.IR",
)  # fmt: skip
CONTRASTIVE_TENSION = _proceedings(
    "carlsson2021semantic",
    "Carlsson, Fredrik and Gyllensten, Amaru Cuba and Gogoulou, Evangelia and Hellqvist, Erik Ylipää and "
    "Sahlgren, Magnus",
    "Semantic Re-tuning with Contrastive Tension", 2021,
    "International Conference on Learning Representations", "https://openreview.net/forum?id=Ov_sMNau-PF",
)  # fmt: skip
TSDAE = _proceedings(
    "wang-2021-TSDAE", "Wang, Kexin and Reimers, Nils and Gurevych, Iryna",
    "TSDAE: Using Transformer-based Sequential Denoising Auto-Encoder for Unsupervised Sentence Embedding Learning",
    2021, "Findings of the Association for Computational Linguistics: EMNLP 2021", "https://arxiv.org/abs/2104.06979",
)  # fmt: skip
SPREAD_OUT = _arxiv(
    "zhang2017learning", "Zhang, Xu and Yu, Felix X. and Kumar, Sanjiv and Chang, Shih-Fu",
    "Learning Spread-out Local Feature Descriptors", 2017, "1708.06320", "cs.CV",
)  # fmt: skip
MATRYOSHKA = _arxiv(
    "kusupati2022matryoshka",
    "Kusupati, Aditya and Bhatt, Gantavya and Rege, Aniket and Wallingford, Matthew and Sinha, Aditya and "
    "Ramanujan, Vivek and Howard-Snyder, William and Chen, Kaifeng and Kakade, Sham and Jain, Prateek and Farhadi, Ali",
    "Matryoshka Representation Learning", 2022, "2205.13147", "cs.LG",
)  # fmt: skip
MATRYOSHKA_2D = _arxiv(
    "li20242d", "Li, Xianming and Li, Zongxi and Li, Jing and Xie, Haoran and Li, Qing",
    "2D Matryoshka Sentence Embeddings", 2024, "2402.14776", "cs.CL",
)  # fmt: skip
SPLADE = _arxiv(
    "formal2022distillation", "Formal, Thibault and Lassance, Carlos and Piwowarski, Benjamin and Clinchant, Stéphane",
    "From Distillation to Hard Negative Sampling: Making Sparse Neural IR Models More Effective", 2022, "2205.04733",
    "cs.IR",
)  # fmt: skip
FLOPS = _arxiv(
    "paria2020minimizing",
    "Paria, Biswajit and Yeh, Chih-Kuan and Yen, Ian E. H. and Xu, Ning and Ravikumar, Pradeep and Póczos, Barnabás",
    "Minimizing FLOPs to Learn Efficient Sparse Representations", 2020, "2004.05665", "cs.LG",
)  # fmt: skip
CSR = _arxiv(
    "wen2025beyond",
    "Wen, Tiansheng and Wang, Yifei and Zeng, Zequn and Peng, Zhong and Su, Yudi and Liu, Xinyang and Chen, Bo and "
    "Liu, Hongwei and Jegelka, Stefanie and You, Chenyu",
    "Beyond Matryoshka: Revisiting Sparse Coding for Adaptive Representation", 2025, "2503.01776", "cs.LG",
)  # fmt: skip
RANK_DISTILLM = _proceedings(
    "schlatt2025rankdistillm",
    "Schlatt, Ferdinand and Fröbe, Maik and Scells, Harrisen and Zhuang, Shengyao and Koopman, Bevan and "
    "Zuccon, Guido and Stein, Benno and Potthast, Martin and Hagen, Matthias",
    "Rank-DistiLLM: Closing the Effectiveness Gap Between Cross-Encoders and LLMs for Passage Re-ranking", 2025,
    "Advances in Information Retrieval (ECIR 2025)", "https://doi.org/10.1007/978-3-031-88714-7_31",
)  # fmt: skip
LAMBDA = _proceedings(
    "wang2018lambdaloss", "Wang, Xuanhui and Li, Cheng and Golbandi, Nadav and Bendersky, Michael and Najork, Marc",
    "The LambdaLoss Framework for Ranking Metric Optimization", 2018,
    "Proceedings of the 27th ACM International Conference on Information and Knowledge Management",
    "https://doi.org/10.1145/3269206.3271784",
)  # fmt: skip
LIST_MLE = _proceedings(
    "xia2008listwise", "Xia, Fen and Liu, Tie-Yan and Wang, Jue and Zhang, Wensheng and Li, Hang",
    "Listwise Approach to Learning to Rank: Theory and Algorithm", 2008,
    "Proceedings of the 25th International Conference on Machine Learning",
    "https://doi.org/10.1145/1390156.1390306",
)  # fmt: skip
LIST_NET = _proceedings(
    "cao2007learning", "Cao, Zhe and Qin, Tao and Liu, Tie-Yan and Tsai, Ming-Feng and Li, Hang",
    "Learning to Rank: From Pairwise Approach to Listwise Approach", 2007,
    "Proceedings of the 24th International Conference on Machine Learning",
    "https://doi.org/10.1145/1273496.1273513",
)  # fmt: skip
P_LIST_MLE = _proceedings(
    "lan2014position", "Lan, Yanyan and Zhu, Yadong and Guo, Jiafeng and Niu, Shuzi and Cheng, Xueqi",
    "Position-Aware ListMLE: A Sequential Learning Process for Ranking", 2014,
    "Proceedings of the 30th Conference on Uncertainty in Artificial Intelligence",
)  # fmt: skip
RANK_NET = _proceedings(
    "burges2005learning",
    "Burges, Chris and Shaked, Tal and Renshaw, Erin and Lazier, Ari and Deeds, Matt and Hamilton, Nicole and "
    "Hullender, Greg",
    "Learning to Rank using Gradient Descent", 2005,
    "Proceedings of the 22nd International Conference on Machine Learning",
    "https://doi.org/10.1145/1102351.1102363",
)  # fmt: skip

EMBEDDING_LOSSES = {
    "AdaptiveLayerLoss": MATRYOSHKA_2D,
    "AnglELoss": ANGLE,
    "BatchAllTripletLoss": TRIPLETS,
    "BatchHardSoftMarginTripletLoss": TRIPLETS,
    "BatchHardTripletLoss": TRIPLETS,
    "BatchSemiHardTripletLoss": TRIPLETS,
    "CSRLoss": CSR,
    "CachedGISTEmbedLoss": f"{GIST}\n{GRADIENT_CACHE}",
    "CachedMultipleNegativesRankingLoss": GRADIENT_CACHE,
    "CachedMultipleNegativesSymmetricRankingLoss": GRADIENT_CACHE,
    "CachedSpladeLoss": f"{GRADIENT_CACHE}\n{SPLADE}",
    "CoSENTLoss": COSENT,
    "ContrastiveLoss": INVARIANT_MAPPING,
    "ContrastiveTensionLoss": CONTRASTIVE_TENSION,
    "ContrastiveTensionLossInBatchNegatives": CONTRASTIVE_TENSION,
    "DenoisingAutoEncoderLoss": TSDAE,
    "DistillKLDivLoss": COUPLED_TEACHERS,
    "EmbedDistillLoss": EMBED_DISTILL,
    "FlopsLoss": FLOPS,
    "GISTEmbedLoss": GIST,
    "GlobalOrthogonalRegularizationLoss": SPREAD_OUT,
    "MSELoss": MULTILINGUAL,
    "MarginMSELoss": MARGINS,
    "Matryoshka2dLoss": MATRYOSHKA_2D,
    "MatryoshkaLoss": MATRYOSHKA,
    "MegaBatchMarginLoss": PARANMT,
    "MultipleNegativesRankingLoss": CPC,
    "MultipleNegativesSymmetricRankingLoss": CPC,
    "SoftmaxLoss": SENTENCE_BERT,
    "SparseAnglELoss": ANGLE,
    "SparseCoSENTLoss": COSENT,
    "SparseDistillKLDivLoss": COUPLED_TEACHERS,
    "SparseMSELoss": MULTILINGUAL,
    "SparseMarginMSELoss": MARGINS,
    "SparseMultipleNegativesRankingLoss": CPC,
    "SparseTripletLoss": TRIPLETS,
    "SpladeLoss": SPLADE,
    "SupConLoss": SUPERVISED_CONTRASTIVE,
    "TripletLoss": TRIPLETS,
}
RERANK_LOSSES = {
    "ADRMSELoss": RANK_DISTILLM,
    "CachedMultipleNegativesRankingLoss": GRADIENT_CACHE,
    "LambdaLoss": LAMBDA,
    "ListMLELoss": LIST_MLE,
    "ListNetLoss": LIST_NET,
    "MarginMSELoss": MARGINS,
    "PListMLELoss": P_LIST_MLE,
    "RankNetLoss": RANK_NET,
}


def citation_of(loss: type) -> str | None:
    """The BibTeX of a loss's class, else of the nearest class that it is made from; None = nothing to cite.

    A class may also say it itself, in `citation`.
    """
    for kind in loss.__mro__:
        own = vars(kind).get("citation")
        if isinstance(own, str):
            return own
        entries = RERANK_LOSSES if ".rerank" in kind.__module__ else EMBEDDING_LOSSES
        if kind.__name__ in entries:
            return entries[kind.__name__]
    return None
