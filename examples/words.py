"""Words the sample city is made of: names, places, trades. All invented or common words; codes of GB/T 2260."""

from random import Random

CITY = "澜川市"
DISTRICTS = ("澜东区", "澜西区", "新港区", "清源县", "云溪县")
DISTRICT_WEIGHTS = (34, 27, 19, 12, 8)
STREETS = (
    "春和路", "明德街", "望川路", "澜江大道", "青禾路", "学府街", "石桥巷", "红柳路", "云栖路", "临港大道", "枫林街",
    "丰泽路", "南湖路", "北苑街", "长宁路", "沙枣巷", "银杏路", "观澜街", "凤鸣路", "三台街", "水塔路", "麦积巷",
    "东渡路", "西渡路", "锦程大道", "安康街", "平湖路", "杏林路", "工农街", "创新大道",
)  # fmt: skip
ESTATES = ("澜江花园", "春和家园", "望川里", "青禾小区", "学府嘉苑", "云栖雅居", "丰泽新村", "南湖一号", "凤鸣苑")
SURNAMES = tuple("王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余")
SURNAME_WEIGHTS = tuple(round(100 / (1 + i * 0.35)) for i in range(len(SURNAMES)))
COMPOUND_SURNAMES = ("欧阳", "司马", "上官", "诸葛", "尉迟")
GIVEN_FEMALE = tuple(
    "芳娜敏静秀娟英华慧巧美玉兰莲真环雪荣爱妹霞香月莺媛艳瑞凡佳嘉琼勤珍贞莉桂娣叶璧璐娅琦晶妍茜秋珊莎锦黛"
    "青倩婷姣婉娴瑾颖露瑶怡婵雁蓓纨仪荷丹蓉眉君琴蕊薇菁梦岚苑婕馨瑗琰韵融园艺咏卿聪澜纯毓悦昭冰爽"
)
GIVEN_MALE = tuple(
    "伟刚勇毅俊峰强军平保东文辉力明永健世广志义兴良海山仁波宁贵福生龙元全国胜学祥才发武新利清飞彬富顺信子"
    "杰涛昌成康星光天达安岩中茂进林有坚和彪博诚先敬震振壮会思群豪心邦承乐绍功松善厚庆磊民友裕河哲江超浩亮"
    "政谦亨奇固之轮翰朗伯宏言若鸣朋斌梁栋维启克伦翔旭鹏泽晨辰士以建家致树炎德行时泰盛雄琛钧冠策腾楠榕风航"
    "弘"
)

# County-level divisions of GB/T 2260 where residents of the city come from: code → weight. Chosen among those
# whose code has not changed for decades, so that they fit every year of birth.
DIVISIONS: dict[str, float] = {
    "620121": 70, "620122": 62, "620123": 66, "622921": 44, "622922": 30, "622923": 34, "622924": 26, "622925": 20,
    "622926": 24, "623021": 16, "623022": 12, "623027": 10, "632221": 14, "632521": 12, "632523": 10, "640121": 16,
    "640122": 14, "640221": 12, "610323": 10, "610324": 9, "610326": 9, "610327": 7, "510121": 8, "510321": 7,
    "513221": 4, "150121": 6, "150122": 5, "650121": 7, "652323": 5, "340121": 5, "360121": 4, "430121": 4,
    "430321": 3, "422822": 4, "330122": 3, "350121": 3, "210321": 2, "520203": 3, "530124": 3, "110105": 2,
    "310104": 2, "120101": 2, "140121": 4,
}  # fmt: skip
PROVINCES = {
    "11": "北京市", "12": "天津市", "14": "山西省", "15": "内蒙古自治区", "21": "辽宁省", "31": "上海市",
    "33": "浙江省", "34": "安徽省", "35": "福建省", "36": "江西省", "42": "湖北省", "43": "湖南省", "51": "四川省",
    "52": "贵州省", "53": "云南省", "61": "陕西省", "62": "甘肃省", "63": "青海省", "64": "宁夏回族自治区",
    "65": "新疆维吾尔自治区",
}  # fmt: skip
EDUCATION = ("小学", "初中", "高中", "中专", "大专", "本科", "硕士", "博士")
EDUCATION_WEIGHTS = (6, 26, 19, 12, 19, 15, 2.6, 0.4)
# Sections of GB/T 4754-2017 with words of firms' names and the weight in employment.
INDUSTRIES: dict[str, tuple[str, float]] = {
    "A": ("农业科技", 5), "C": ("机械制造", 22), "D": ("能源", 3), "E": ("建筑工程", 14), "F": ("商贸", 17),
    "G": ("物流", 8), "H": ("餐饮管理", 9), "I": ("信息技术", 7), "J": ("融资担保", 2), "K": ("物业服务", 5),
    "L": ("人力资源", 3), "M": ("检测技术", 2), "N": ("环境工程", 1), "O": ("家政服务", 2), "P": ("教育咨询", 3),
    "Q": ("健康管理", 2), "R": ("文化传媒", 2),
}  # fmt: skip
FIRM_WORDS = (
    "澜泰", "川禾", "望春", "云拓", "恒澜", "启川", "沐野", "锦穗", "石溪", "北辰川",
    "新禾", "瑞澜", "明川", "广澜", "青穗", "丰川", "宏澜", "天禾川", "佳澜", "聚川",
    "安澜", "百川禾", "和澜", "盛川", "金禾川", "飞澜", "祥川", "同澜",
)  # fmt: skip
# Medium groups of 《中华人民共和国职业分类大典》 (2022), with weight and usual monthly pay in yuan.
OCCUPATIONS: dict[str, tuple[float, int]] = {
    "1-06": (3, 12500),  # heads of enterprises and institutions
    "2-02": (9, 8200),  # engineers
    "2-05": (3, 8600),  # health professionals
    "2-06": (4, 7400),  # economists and accountants
    "2-08": (3, 7000),  # teachers
    "3-01": (13, 5600),  # clerks
    "4-01": (12, 4500),  # wholesale and retail
    "4-02": (8, 5400),  # transport, storage and post
    "4-03": (8, 4100),  # hotels and restaurants
    "4-06": (4, 4300),  # real estate services
    "5-01": (3, 3900),  # farming
    "6-01": (8, 4700),  # food processing
    "6-18": (14, 5700),  # machining
    "6-29": (8, 6100),  # construction
}


def weighted(rng: Random, weights: dict[str, float]) -> str:
    """One key, drawn by its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def person_name(rng: Random, female: bool) -> str:
    """A common surname with a common given name: nobody in particular."""
    surname = rng.choice(COMPOUND_SURNAMES) if rng.random() < 0.004 else rng.choices(SURNAMES, SURNAME_WEIGHTS)[0]
    letters = GIVEN_FEMALE if female else GIVEN_MALE
    return surname + "".join(rng.choice(letters) for _ in range(1 if rng.random() < 0.2 else 2))


def district(rng: Random) -> str:
    return rng.choices(DISTRICTS, DISTRICT_WEIGHTS)[0]


def address(rng: Random) -> str:
    """A full address down to the flat, in an invented street."""
    start = f"{CITY}{district(rng)}{rng.choice(STREETS)}{rng.randrange(1, 320)}号"
    if rng.random() < 0.7:
        flat = f"{rng.randrange(1, 28)}栋{rng.randrange(1, 5)}单元{rng.randrange(1, 19)}0{rng.randrange(1, 5)}室"
        return f"{start}{rng.choice(ESTATES)}{flat}"
    return start


def firm_name(rng: Random, industry: str) -> str:
    """Name of an invented firm of one section of GB/T 4754."""
    form = rng.choices(("有限公司", "有限责任公司", "股份有限公司"), (75, 18, 7))[0]
    return f"{CITY if rng.random() < 0.4 else '澜川'}{rng.choice(FIRM_WORDS)}{INDUSTRIES[industry][0]}{form}"
